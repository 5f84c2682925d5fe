import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, utimesSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { run, start, startFailure } from '../../host/process.ts';

const TEMP = '.berth-part-';
const SLASH = Buffer.from('/');
/** What a program gives to whoever starts it. */
const SET_ID = 0o6000;

/**
 * Unpacks a tar into a folder of ours: what is there stays unless the tar has it too. The tar may be anybody's. It goes to an empty folder
 * first, from which files are moved one by one; no link that is in the tar, or was in the folder, is followed. Files belong to us.
 * `last`: the file that names the others.
 */
export async function unpackTree(source: Readable, dest: string, { last, signal }: { readonly last?: string; readonly signal: AbortSignal }): Promise<void> {
  await mkdir(dest, { recursive: true });
  const folder = await realpath(dest);
  await removeLeft(folder);
  const temp = join(folder, `${TEMP}${process.pid}-${Date.now().toString(36)}`);
  await mkdir(temp, { mode: 0o700 });
  try {
    await unpack(source, temp, signal);
    const names = readdirSync(temp, { encoding: 'buffer' });
    const isLast = (name: Buffer): number => (last !== undefined && name.equals(Buffer.from(last)) ? 1 : 0);
    for (const name of names.sort((a, b) => isLast(a) - isLast(b))) {
      signal.throwIfAborted();
      move(below(Buffer.from(temp), name), below(Buffer.from(folder), name));
    }
  } finally {
    await removeTree(temp);
  }
}

async function unpack(source: Readable, temp: string, signal: AbortSignal): Promise<void> {
  const child = start('tar', ['-x', '-f', '-', '-C', temp, '-p', '--no-same-owner'], { stdio: ['pipe', 'ignore', 'pipe'], signal });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('tar', error)));
    child.once('close', (code) => resolve(code ?? 128));
  });
  ended.catch(() => undefined);
  try {
    if (child.stdin) await feed(source, child.stdin);
  } catch (error) {
    child.kill();
    await ended.catch(() => undefined);
    throw words === '' ? error : unpackFailed(words, error);
  }
  const status = await ended;
  if (status !== 0) throw unpackFailed(words || `tar ended with ${status}`);
}

/** All of the source, although tar reads no further than to the end that the archive names: what breaks must be noticed. */
async function feed(source: Readable, stdin: Writable): Promise<void> {
  stdin.on('error', () => undefined); // its status says why it stopped reading
  let wake: () => void = () => undefined;
  stdin.on('drain', () => wake()).once('close', () => wake());
  for await (const chunk of source as AsyncIterable<Buffer>) if (stdin.writable && !stdin.write(chunk) && !stdin.closed) await new Promise<void>((resolve) => (wake = resolve));
  stdin.end();
}

function unpackFailed(words: string, cause?: unknown): Error {
  return new Error(`What was built could not be unpacked: ${words.trim()}`, { cause });
}

/** Moves a file or a folder to where it belongs. */
function move(from: Buffer, to: Buffer): void {
  const stats = lstatSync(from);
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (stats.isDirectory()) return moveFolder(from, to, stats, there);
  if (there?.isDirectory()) rmSync(to, { recursive: true, force: true });
  if (stats.isFile() && (stats.mode & SET_ID) !== 0) chmodSync(from, stats.mode & 0o1777);
  renameSync(from, to);
}

function moveFolder(from: Buffer, to: Buffer, stats: Stats, there: Stats | undefined): void {
  chmodSync(from, 0o700); // so that what is in it can be moved
  if (there && !there.isDirectory()) rmSync(to);
  if (!there?.isDirectory()) mkdirSync(to, 0o700);
  else if ((there.mode & 0o300) !== 0o300) chmodSync(to, there.mode | 0o700);
  for (const name of readdirSync(from, { encoding: 'buffer' })) move(below(from, name), below(to, name));
  rmdirSync(from);
  chmodSync(to, stats.mode & 0o1777);
  utimesSync(to, stats.atime, stats.mtime);
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, SLASH, name]);
}

/** What one that was killed left. */
async function removeLeft(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = new RegExp(`^\\${TEMP}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await removeTree(join(folder, name));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Folders may forbid their owner to empty them. */
async function removeTree(path: string): Promise<void> {
  await run('chmod', ['-R', 'u+rwX', '--', path], { okStatus: 'any' });
  rmSync(path, { recursive: true, force: true });
}
