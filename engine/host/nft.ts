import { z } from 'zod';
import { run } from './process.ts';

/** Applies a script in one transaction: all of it or nothing. */
export async function applyNft(script: string): Promise<void> {
  await run('nft', ['-f', '-'], { input: script });
}

/** Removes one table of the `inet` family; no error if it is not there. */
export async function removeNftTable(table: string): Promise<void> {
  await applyNft(`add table inet ${table}\ndelete table inet ${table}\n`);
}

const mapSchema = z.object({ map: z.object({ name: z.string(), elem: z.array(z.unknown()).optional() }) });

/** The elements of each map of a table of the `inet` family, as nft's JSON has them; `undefined`: there is no such table. */
export async function nftMaps(table: string): Promise<ReadonlyMap<string, readonly unknown[]> | undefined> {
  const { stdout, status } = await run('nft', ['-j', 'list', 'table', 'inet', table], { okStatus: 'any' });
  if (status !== 0) return undefined;
  const { nftables } = z.object({ nftables: z.array(z.unknown()) }).parse(JSON.parse(stdout));
  return new Map(nftables.flatMap((item) => {
    const found = mapSchema.safeParse(item);
    return found.success ? [[found.data.map.name, found.data.map.elem ?? []] as const] : [];
  }));
}
