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

const elementSchema = z.union([
  z.object({ elem: z.looseObject({ val: z.unknown(), expires: z.number().optional(), counter: z.looseObject({ packets: z.number() }).optional() }) }).transform(({ elem }) => elem),
  z.unknown().transform((val) => ({ val, expires: undefined, counter: undefined })),
]);
const listingSchema = z.object({ nftables: z.array(z.looseObject({ set: z.looseObject({ name: z.string(), elem: z.array(elementSchema).optional() }).optional() })) });
const keySchema = z.union([z.object({ concat: z.array(z.union([z.string(), z.number()])) }).transform(({ concat }) => concat), z.union([z.string(), z.number()]).transform((one) => [one])]);

/** An element of a set: its key, part by part. */
export interface NftElement {
  readonly set: string;
  readonly key: readonly string[];
  /** Seconds until it goes; `undefined`: it stays. */
  readonly expires: number | undefined;
  /** Packets that met it; 0 where they are not counted. */
  readonly packets: number;
}

/** The elements of these sets of a table; `undefined`: there is no such table. */
export async function listNftSets(table: string, names: readonly string[]): Promise<NftElement[] | undefined> {
  const { status, stdout } = await run('nft', ['-j', 'list', 'table', 'inet', table], { okStatus: 'any' });
  if (status !== 0) return undefined;
  const sets = listingSchema.parse(JSON.parse(stdout)).nftables.flatMap(({ set }) => (set && names.includes(set.name) ? [set] : []));
  return sets.flatMap(({ name, elem = [] }) => elem.flatMap(({ val, expires, counter }) => {
    const key = keySchema.safeParse(val);
    return key.success ? [{ set: name, key: key.data.map(String), expires, packets: counter?.packets ?? 0 }] : [];
  }));
}
