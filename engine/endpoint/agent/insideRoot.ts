import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';

const MAX_LINKS = 40;
/** Finds a file without opening it; Node has no name for it. */
const O_PATH = 0o10000000;
const FIND = O_PATH | constants.O_NOFOLLOW;

interface Step {
  readonly fd: number;
  readonly name: string;
}

/**
 * A path inside a container's root file system, found step by step: each step is one look-up in a folder that is held open, without following
 * links; links are followed by hand, as text, never out of the root. Whatever the container does to names meanwhile, it stays inside. Close it.
 */
export class Place implements Disposable {
  /** From the root to the folder that the path is in. */
  readonly #folders: Step[];
  /** The last part of the path; empty for the root itself. */
  readonly name: string;
  /** Refers to what is there without having it open; `undefined`: nothing is there. */
  readonly fd: number | undefined;
  readonly stats: Stats | undefined;

  constructor(folders: Step[], name: string, found: { readonly fd: number; readonly stats: Stats } | undefined) {
    this.#folders = folders;
    this.name = name;
    this.fd = found?.fd;
    this.stats = found?.stats;
  }

  /** A path of ours for the entry in its folder: for what acts on names (unlink, rename, mkdir). Its last part must not be followed. */
  get entry(): Buffer {
    if (this.name === '' || this.name.includes('/') || this.name === '..') throw systemError('EBUSY', 'the root folder');
    return entryOf(this.#folders.at(-1)?.fd ?? -1, this.name);
  }

  /** A path of ours for the very thing that was found, which no rename can change. Throws ENOENT. */
  get object(): string {
    if (this.fd === undefined) throw systemError('ENOENT', this.path);
    return `/proc/self/fd/${this.fd}`;
  }

  /** As seen inside: absolute, without links. */
  get path(): string {
    return `/${[...this.#folders.slice(1).map(({ name }) => name), this.name].filter((part) => part !== '').join('/')}`;
  }

  /** What an entry of this folder is. */
  child(name: string): Stats {
    if (name.includes('/') || name === '..') throw systemError('EINVAL', name);
    return lstatSync(entryOf(this.fd ?? -1, name));
  }

  [Symbol.dispose](): void {
    if (this.fd !== undefined) closeSync(this.fd);
    // The first is the root's own, which is not ours.
    for (const { fd } of this.#folders.splice(1)) closeSync(fd);
  }
}

/** Finds paths below a root: a folder that is held open, such as a container's. What it may find is what this process's user may. */
export class InsideRoot {
  readonly #root: number;

  constructor(root: number) {
    this.#root = root;
  }

  /** Throws ENOENT for a missing folder on the way; a missing last part is no error. `follow`: whether a link at the end is followed. */
  find(path: string, follow: boolean): Place {
    const folders: Step[] = [{ fd: this.#root, name: '' }];
    try {
      return this.#walk(path, follow, folders);
    } catch (error) {
      for (const { fd } of folders.slice(1)) closeSync(fd);
      throw error;
    }
  }

  /** Makes a folder with its parents. */
  makeFolders(path: string, mode: number): void {
    const parts = partsOf(path);
    for (let count = 1; count <= parts.length; count += 1) {
      using place = this.find(`/${parts.slice(0, count).join('/')}`, true);
      if (place.fd === undefined) mkdirSync(place.entry, { mode });
    }
  }

  #walk(path: string, follow: boolean, folders: Step[]): Place {
    let pending = partsOf(path);
    const mustBeFolder = path.endsWith('/');
    for (let links = 0; ; ) {
      const [name, ...rest] = pending;
      if (name === undefined) return here(folders);
      pending = rest;
      if (name === '..') {
        const left = folders.length > 1 ? folders.pop() : undefined;
        if (left) closeSync(left.fd);
        continue;
      }
      const parent = folders.at(-1)?.fd ?? this.#root;
      const last = rest.length === 0;
      const found = lookUp(parent, name, last);
      if (found === undefined) return new Place(folders, name, undefined);
      if (found.stats.isSymbolicLink() && (!last || follow || mustBeFolder)) {
        closeSync(found.fd);
        if (++links > MAX_LINKS) throw systemError('ELOOP', path);
        const target = readlinkSync(entryOf(parent, name), 'latin1');
        if (target.startsWith('/')) for (const { fd } of folders.splice(1)) closeSync(fd);
        pending = [...partsOf(target), ...rest];
        continue;
      }
      if (last) return new Place(folders, name, found);
      if (!found.stats.isDirectory()) {
        closeSync(found.fd);
        throw systemError('ENOTDIR', path);
      }
      folders.push({ fd: found.fd, name });
    }
  }
}

/** The place of the innermost folder itself. */
function here(folders: Step[]): Place {
  const last = folders.length > 1 ? folders.pop() : undefined;
  const fd = last ? last.fd : openSync(`/proc/self/fd/${folders[0]?.fd}`, O_PATH | constants.O_DIRECTORY);
  return new Place(folders, last?.name ?? '', { fd, stats: fstatSync(fd) });
}

function lookUp(parent: number, name: string, last: boolean): { readonly fd: number; readonly stats: Stats } | undefined {
  try {
    const fd = openSync(entryOf(parent, name), FIND);
    return { fd, stats: fstatSync(fd) };
  } catch (error) {
    if (last && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A path as everybody writes it, as `InsideRoot` has it. */
export function asBytes(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

function entryOf(folder: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${folder}/${name}`, 'latin1');
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** An error as the system's own are. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
