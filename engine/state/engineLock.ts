import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineError, systemCode } from '../base/errors.ts';
import { shortRandom } from '../base/ids.ts';

export const engineAlreadyRunning = defineError<{ pid: number; dataRoot: string }>('ENGINE_ALREADY_RUNNING', 409, (p) => `An engine (pid ${p.pid}) already serves ${p.dataRoot}. Use it, or stop it with: berth engine stop`);

interface Holder {
  readonly pid: number;
  /** Clock ticks since boot at which the process started: tells a reused pid from the holder. */
  readonly startTime: string;
}

/**
 * One engine per data root. The lock is a file with the holder's pid and start time, so a killed engine's lock is known to
 * be stale at once, also when its pid was given to another process. Taking it is a hard link: atomic.
 */
export async function takeEngineLock(dataRoot: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dataRoot, { recursive: true, mode: 0o711 });
  const path = join(dataRoot, 'engine.lock');
  const mine = `${path}.${shortRandom(6)}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '' } satisfies Holder), { mode: 0o600 });
  try {
    for (;;) {
      if (await tryLink(mine, path)) return { release: () => rm(path, { force: true }) };
      const holder = await readHolder(path);
      if (holder && (await isAlive(holder))) throw engineAlreadyRunning({ pid: holder.pid, dataRoot });
      await setAside(path);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A stale lock is moved away under a name of our own, so that two starters cannot both remove a fresh one. */
async function setAside(path: string): Promise<void> {
  const aside = `${path}.stale-${shortRandom(6)}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return;
  }
  const moved = await readHolder(aside);
  if (moved && (await isAlive(moved))) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return typeof value.pid === 'number' && typeof value.startTime === 'string' ? { pid: value.pid, startTime: value.startTime } : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  return (await startTimeOf(holder.pid)) === holder.startTime;
}

/** Field 22 of /proc/<pid>/stat; `undefined` when there is no such process. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
