import { closeSync, constants, copyFileSync, fstatSync, lstatSync, openSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemCode } from '../errors.ts';

const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Opens a file that may be anything by now: never through a link, and without waiting for a pipe's other end. */
export const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** A new file, open for writing; what is there goes, and if it is a link it is not followed. */
export function createFile(place: string, mode: number): number {
  try {
    return openSync(place, CREATE, mode);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    rmSync(place, { force: true });
    return openSync(place, CREATE, mode);
  }
}

/** Copies a regular file to a new one, through no link on either side. For files that may be large: others have their turn meanwhile. */
export async function copyLarge(from: string, to: string): Promise<void> {
  const file = openSync(from, readFlags);
  try {
    await copyFile(readyToCopy(from, file, to), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } finally {
    closeSync(file);
  }
}

/** The same at once. */
export function copyRegular(from: string, to: string): void {
  const file = openSync(from, readFlags);
  try {
    copyFileSync(readyToCopy(from, file, to), to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } finally {
    closeSync(file);
  }
}

function readyToCopy(from: string, file: number, to: string): string {
  if (!fstatSync(file).isFile()) throw Object.assign(new Error(`${from} is no file`), { code: 'ENOENT' });
  rmSync(to, { force: true });
  return process.platform === 'linux' ? `/proc/self/fd/${file}` : from;
}

/**
 * A way from a root to the folders below it that no link leads astray. On Linux each folder is held open, so that names are looked up in the folder
 * that was checked; elsewhere every folder on the way is checked each time. Neighbouring folders, asked for one after the other, cost little.
 */
export class FolderWalk implements Disposable {
  readonly #root: string;
  readonly #chain: Array<{ readonly name: string; readonly fd: number }> = [];
  readonly #rootFd: number | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#rootFd = process.platform === 'linux' ? openSync(root, constants.O_RDONLY | constants.O_DIRECTORY) : undefined;
  }

  /** What to put before a name in this folder; good until the next call. Throws ENOENT, ENOTDIR, ELOOP, EACCES. */
  enter(folder: string): string {
    const names = folder === '' ? [] : folder.split('/');
    if (this.#rootFd === undefined) return this.#checked(names);
    let common = 0;
    while (common < names.length && this.#chain[common]?.name === names[common]) common++;
    this.#drop(common);
    for (const name of names.slice(common)) this.#chain.push({ name, fd: openSync(`${this.#here()}${name}`, FOLDER) });
    return this.#here();
  }

  /** A folder was taken away: it must be looked up anew. */
  forget(folder: string): void {
    const names = folder.split('/');
    if (names.every((name, index) => this.#chain[index]?.name === name)) this.#drop(names.length - 1);
  }

  [Symbol.dispose](): void {
    this.#drop(0);
    if (this.#rootFd !== undefined) closeSync(this.#rootFd);
  }

  #here(): string {
    return `/proc/self/fd/${this.#chain.at(-1)?.fd ?? this.#rootFd}/`;
  }

  #drop(keep: number): void {
    for (const { fd } of this.#chain.splice(keep)) closeSync(fd);
  }

  #checked(names: readonly string[]): string {
    let path = this.#root;
    for (const name of names) {
      path = join(path, name);
      if (!lstatSync(path).isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR', path });
    }
    return path + sep;
  }
}

/** Whether an error says that nothing is at a path. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
