import { run } from './process.ts';

/** Applies a script in one transaction: all of it or nothing. */
export async function applyNft(script: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: script });
}

/** Removes one table of the `inet` family; no error if it is not there. */
export async function removeNftTable(table: string): Promise<void> {
  await applyNft(`add table inet ${table}\ndelete table inet ${table}\n`);
}
