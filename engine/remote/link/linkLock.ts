import { link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { shortRandom } from '../../base/ids.ts';
import { systemCode } from '../../base/errors.ts';
import { somebodyListens } from './localSocket.ts';

const holderSchema = z.object({ pid: z.number(), nonce: z.string(), /** Its sockets were there. */ serving: z.boolean() });

/** A link that starts has this long until its control socket answers. */
const youngMs = 10_000;

export interface LinkLock {
  /** The sockets serve: from now on a control socket that does not answer means that this process is gone. False: the lock is somebody else's by now. */
  serve(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * One link per host and user, on every platform (there is no flock on all of them): a file made with O_EXCL that names its process.
 * One left by a process that is gone is renamed away, which only one process can do to it, and looked at again before it counts as removed.
 * `undefined`: another link is there or on its way.
 */
export async function takeLinkLock(path: string, control: string): Promise<LinkLock | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const nonce = shortRandom();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await create(path, nonce)) return { serve: () => noteServing(path, nonce), release: () => removeIf(path, nonce) };
    if (await isLive(path, control)) return undefined;
    await removeIf(path, (await holderOf(path))?.nonce);
  }
  return undefined;
}

async function create(path: string, nonce: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(JSON.stringify({ pid: process.pid, nonce, serving: false }));
    await file.close();
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function noteServing(path: string, nonce: string): Promise<boolean> {
  if ((await holderOf(path))?.nonce !== nonce) return false;
  await writeFile(path, JSON.stringify({ pid: process.pid, nonce, serving: true }));
  return true;
}

async function isLive(path: string, control: string): Promise<boolean> {
  const holder = await holderOf(path);
  const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => Infinity);
  if (holder === undefined) return age < 1000; // being written
  if (!isRunning(holder.pid)) return false;
  // A number may be another process's by now, or that of one whose end nobody has noticed.
  return (!holder.serving && age < youngMs) || somebodyListens(control);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

async function holderOf(path: string): Promise<z.infer<typeof holderSchema> | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Removes the lock with this nonce (`undefined`: a damaged one), and no other that came meanwhile. */
async function removeIf(path: string, nonce: string | undefined): Promise<void> {
  const aside = `${path}.${shortRandom(4)}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await holderOf(aside))?.nonce !== nonce) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
