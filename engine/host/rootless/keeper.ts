import { constants } from 'node:fs';
import { open, readFile, readdir, readlink, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import type { EngineConfig } from '../../base/config.ts';
import { shortRandom } from '../../base/ids.ts';
import { makeFolders } from '../../base/makeFolders.ts';
import { openLocked } from '../fileLock.ts';
import { run } from '../process.ts';
import { isAlive } from '../processIdentity.ts';
import { keeperBusy } from './errors.ts';
import { keeperFiles, startKeeper } from './keeperStart.ts';
import { endMembers, enter } from './members.ts';

/*
 * An ordinary user's engine runs in namespaces (user, mount, network) that outlive it, because its containers do. Their keeper is rootlesskit
 * with a `cat` in it, which reads a FIFO. Whoever needs the namespaces holds the FIFO's other end: the engine, and conmon for each container.
 * When the last of them is gone, however it went, the kernel tells `cat`, and rootlesskit leaves with it.
 *
 *   <runRoot>/keepers/lock           held while one is looked for or started
 *   <runRoot>/keepers/current.json   the one in use
 *   <runRoot>/keepers/<id>/          life (the FIFO), ready, log, kit/ (rootlesskit's own, with the socket of its port driver), cgroup (see delegation.ts)
 */

const keeperSchema = z.object({
  id: z.string().regex(/^[0-9a-f]+$/),
  process: z.object({ pid: z.number().int().positive(), startTime: z.string() }),
  /** The user namespace, as the kernel names it: `user:[4026532177]`. */
  namespace: z.string(),
});
type KeeperRecord = z.infer<typeof keeperSchema>;

/** A keeper that stays as long as `life` is open somewhere. */
export interface Keeper extends AsyncDisposable {
  readonly folder: string;
  readonly pid: number;
  readonly life: FileHandle;
}

const PATIENCE_SECONDS = 30;

/** The keeper of this runtime root: the one that is there, or a new one, after what a lost one left has been ended. */
export async function obtainKeeper({ runRoot, instance }: Pick<EngineConfig, 'runRoot' | 'instance'>): Promise<Keeper> {
  const root = join(runRoot, 'keepers');
  await makeFolders(root, 0o700);
  const lock = await openLocked(join(root, 'lock'), PATIENCE_SECONDS);
  if (!lock) throw keeperBusy({ path: join(root, 'lock') });
  try {
    return (await findKeeper(root)) ?? (await replaceKeeper(root, instance));
  } finally {
    await lock.close();
  }
}

/** A hold on the life of a keeper, to be handed on; `undefined` when it is gone. */
export async function holdLife(folder: string): Promise<FileHandle | undefined> {
  try {
    // Without a reader this fails: the kernel itself says that nobody keeps anything any more.
    return await open(join(folder, keeperFiles.life), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

async function findKeeper(root: string): Promise<Keeper | undefined> {
  const record = await readRecord(root);
  if (!record) return undefined;
  const folder = join(root, record.id);
  const life = await holdLife(folder);
  if (!life) return undefined;
  // It may have been about to leave when we came: it has not, if it is still there once we have been inside.
  const entered = isAlive(record.process) && (await run('nsenter', [...enter(record.process.pid, ['mount', 'net']), 'true'], { okStatus: 'any' })).status === 0;
  if (entered && isAlive(record.process)) return toKeeper(folder, record.process.pid, life);
  await life.close();
  return undefined;
}

async function replaceKeeper(root: string, instance: string): Promise<Keeper> {
  const former = await readRecord(root);
  if (former) await endMembers(former.namespace);
  for (const name of await readdir(root)) if (name !== 'lock') await rm(join(root, name), { recursive: true, force: true });
  const id = shortRandom(3);
  const folder = join(root, id);
  const { process, life } = await startKeeper(folder, instance);
  try {
    const record: KeeperRecord = { id, process, namespace: await readlink(`/proc/${process.pid}/ns/user`) };
    await writeFileAtomic(join(root, 'current.json'), `${JSON.stringify(record)}\n`);
  } catch (error) {
    await life.close();
    throw error;
  }
  return toKeeper(folder, process.pid, life);
}

function toKeeper(folder: string, pid: number, life: FileHandle): Keeper {
  return { folder, pid, life, [Symbol.asyncDispose]: () => life.close() };
}

async function readRecord(root: string): Promise<KeeperRecord | undefined> {
  try {
    return keeperSchema.parse(JSON.parse(await readFile(join(root, 'current.json'), 'utf8')));
  } catch {
    return undefined; // none, or damaged: then a new one
  }
}
