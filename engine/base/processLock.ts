import { link, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { systemCode } from './errors.ts';
import { shortRandom } from './ids.ts';
import { makeFolders } from './makeFolders.ts';

const holderSchema = z.object({
  pid: z.number(),
  nonce: z.string(),
  /** A home may be shared by machines. */
  machine: z.string().optional(),
  /** What its owner is at. */
  serving: z.boolean(),
});
export type LockHolder = z.infer<typeof holderSchema>;

export interface ProcessLock {
  /** False: somebody took this process for gone, and has the lock now. */
  holds(): Promise<boolean>;
  /** Notes that its holder serves. False as with `holds`. */
  serve(): Promise<boolean>;
  release(): Promise<void>;
}

/** A holder this process cannot see, or one whose number is another's by now, is believed for so long. */
const believedMs = 10_000;
/** Between making the file and writing it. */
const writingMs = 1_000;

/**
 * A lock between processes on every platform (there is no flock on all of them): a file made with O_EXCL that names its process. One left by a
 * process that is gone is renamed away, which only one process can do to it, and looked at again before it counts as removed. What must not be done
 * twice asks `holds` at the last moment. `undefined`: another process has it. `alive`: whether a holder that seems to run really does.
 */
export async function takeProcessLock(path: string, alive: (holder: LockHolder, ageMs: number) => boolean | Promise<boolean> = (_holder, ageMs) => ageMs < believedMs): Promise<ProcessLock | undefined> {
  await makeFolders(dirname(path), 0o700);
  const nonce = shortRandom();
  const holds = async (): Promise<boolean> => (await holderOf(path))?.nonce === nonce;
  const serve = async (): Promise<boolean> => {
    if (!(await holds())) return false;
    await writeFile(path, text(nonce, true));
    return true;
  };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await create(path, nonce)) return { holds, serve, release: () => removeIf(path, nonce) };
    const found = await look(path);
    if (found === undefined) continue; // let go just now
    if (await isHeld(found, alive)) return undefined;
    await removeIf(path, found.holder?.nonce);
  }
  return undefined;
}

/** Waits until nobody else has it. `undefined`: that did not come in time. */
export async function waitForProcessLock(path: string, patienceMs: number): Promise<ProcessLock | undefined> {
  for (const end = Date.now() + patienceMs; ; await delay(2 + Math.random() * 18)) {
    const lock = await takeProcessLock(path);
    if (lock || Date.now() > end) return lock;
  }
}

const text = (nonce: string, serving: boolean): string => JSON.stringify({ pid: process.pid, nonce, machine: hostname(), serving } satisfies LockHolder);

async function create(path: string, nonce: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text(nonce, false));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    // Windows says EPERM of a file that is just being removed.
    if (systemCode(error) === 'EEXIST' || (process.platform === 'win32' && systemCode(error) === 'EPERM')) return false;
    throw error;
  }
}

interface Found {
  /** `undefined`: being written, or damaged. */
  readonly holder: LockHolder | undefined;
  readonly ageMs: number;
}

async function look(path: string): Promise<Found | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { holder: parse(await readFile(path, 'utf8')), ageMs: Math.abs(Date.now() - mtimeMs) };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isHeld({ holder, ageMs }: Found, alive: (holder: LockHolder, ageMs: number) => boolean | Promise<boolean>): boolean | Promise<boolean> {
  if (holder === undefined) return ageMs < writingMs;
  if (holder.machine !== undefined && holder.machine !== hostname()) return ageMs < believedMs;
  // A number may be another process's by now, or that of one whose end nobody has noticed.
  return isRunning(holder.pid) && alive(holder, ageMs);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

async function holderOf(path: string): Promise<LockHolder | undefined> {
  return (await look(path))?.holder;
}

function parse(content: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(content));
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
  const moved = await look(aside);
  if (moved?.holder?.nonce !== nonce || (moved?.holder === undefined && (moved?.ageMs ?? 0) < writingMs)) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  await sweep(path);
}

/** What `removeIf` left when the process was killed in the middle of it. */
async function sweep(path: string): Promise<void> {
  const [folder, name] = [dirname(path), `${basename(path)}.`];
  for (const entry of await readdir(folder).catch(() => [])) {
    if (!entry.startsWith(name) || !/^[0-9a-f]{8}$/.test(entry.slice(name.length))) continue;
    const ageMs = await stat(join(folder, entry)).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    if (ageMs > believedMs) await rm(join(folder, entry), { force: true });
  }
}
