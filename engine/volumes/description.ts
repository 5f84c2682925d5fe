import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../base/atomicFile.ts';
import type { Log } from '../base/log.ts';
import { readJsonFile } from '../state/jsonFile.ts';
import { keepIdSchema } from './volumeIds.ts';

/** `volume.json`. `next`: a change of ids under way, see `recoverVolume`. */
const metaSchema = z.object({ created: z.string(), labels: z.record(z.string(), z.string()), keepId: keepIdSchema.optional(), next: z.object({ keepId: keepIdSchema.optional() }).optional() });
type Meta = z.infer<typeof metaSchema>;

const FILE = 'volume.json';

/** Writes what a volume is into its folder. */
export function writeDescription(folder: string, meta: Meta): Promise<void> {
  return writeFileAtomic(join(folder, FILE), `${JSON.stringify(meta, null, 2)}\n`);
}

/** Files of descriptions that were damaged and set aside. */
export async function damagedDescriptions(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith(`${FILE}.damaged-`)).map((name) => join(folder, name));
}

/** Finishes or takes back what a killed engine was doing with a volume's files, and reads its description; `undefined`: it is missing or damaged. */
export async function recoverVolume(folder: string, log: Log): Promise<Omit<Meta, 'next'> | undefined> {
  const mountpoint = join(folder, '_data');
  const backAgain = !(await exists(mountpoint)) && (await rename(`${mountpoint}.old`, mountpoint).then(() => true, () => false)); // an import was cut short
  const meta = await finishIds(folder, !backAgain && (await exists(`${mountpoint}.old`)), log);
  await rm(`${mountpoint}.old`, { recursive: true, force: true });
  return meta;
}

/** A change of ids that was cut short counts when the files were changed already. They are said to be before the old ones go: `swapped` is whether those are there. */
async function finishIds(folder: string, swapped: boolean, log: Log): Promise<Omit<Meta, 'next'> | undefined> {
  const meta = await readJsonFile(join(folder, FILE), metaSchema, log);
  if (!meta?.next) return meta;
  const { next, keepId, ...rest } = meta;
  const done = { ...rest, ...(swapped ? next : keepId ? { keepId } : {}) };
  await writeDescription(folder, done);
  return done;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
