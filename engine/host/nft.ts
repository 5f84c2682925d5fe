import { run } from './process.ts';

/** Applies a script in one transaction: all of it or nothing. */
export async function applyNft(script: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: script });
}

/** The text of one table of the `inet` family; `undefined` if there is none. */
export async function listNftTable(table: string): Promise<string | undefined> {
  const { status, stdout } = await run('nft', ['list', 'table', 'inet', table], { okStatus: 'any' });
  return status === 0 ? stdout : undefined;
}

/** Removes one table of the `inet` family; no error if it is not there. */
export async function removeNftTable(table: string): Promise<void> {
  await applyNft(`add table inet ${table}\ndelete table inet ${table}\n`);
}
