import { Buffer } from 'node:buffer';
import { closeSync, constants, lstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import type * as Native from '#native';
import { listFolder } from '../folderListing.ts';
import type { ListedFile } from '../folderListing.ts';
import type { TarEntry, TarType } from './entry.ts';
import { shownPath } from './shownPath.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Bytes that are read at once. */
const CHUNK = 256 * 1024;
/** Bytes of files that come with their folder, and of all those of one folder. */
const SMALL = 32 * 1024;
const MOST = 8 * 1024 * 1024;
const NONE: ReadonlyMap<string, Buffer> = new Map();
const OF_MODE: Readonly<Record<number, TarType>> = { [constants.S_IFREG]: 'file', [constants.S_IFDIR]: 'directory', [constants.S_IFLNK]: 'symlink', [constants.S_IFCHR]: 'character', [constants.S_IFBLK]: 'block', [constants.S_IFIFO]: 'fifo' };

/** A member, and its content where it came along. */
export interface TreeMember {
  readonly entry: TarEntry;
  readonly content?: Buffer | undefined;
}

/**
 * What is in a folder that nobody changes meanwhile, as the members of a tar would be: the folder itself first ('.'), each folder before what is
 * in it, names in the order of their bytes; a further name of a file is a hard link to the first. Sockets are left out, as every tar does, and
 * what is mounted inside. Synchronous, a call for each folder with all its small files: a fifth of the time that a call for everything takes.
 */
export class TreeReader {
  readonly #root: string;
  readonly #native: typeof Native;
  /** Of each device, inode → path. */
  readonly #linked = new Map<bigint, Map<bigint, string>>();
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #device = 0n;

  private constructor(root: string, native: typeof Native) {
    // One character a byte, as the paths of entries are.
    this.#root = Buffer.from(root).toString('latin1');
    this.#native = native;
  }

  static async of(root: string): Promise<TreeReader> {
    return new TreeReader(root, await import('#native'));
  }

  *members(): Generator<TreeMember> {
    const { mode, uid, gid, mtimeMs, dev } = lstatSync(this.#at('.'));
    this.#device = BigInt(dev);
    yield { entry: { path: '.', type: 'directory', linkPath: '', size: 0, mode: mode & 0o7777, uid, gid, mtime: Math.floor(mtimeMs / 1000), deviceMajor: 0, deviceMinor: 0, xattrs: this.#attributes('.') } };
    yield* this.#below('.');
  }

  /** The content of a file, in pieces that are overwritten by the next. Throws when it is not as long as its entry says. */
  *content({ path, size }: Pick<TarEntry, 'path' | 'size'>): Generator<Buffer> {
    const file = openSync(this.#at(path), FLAGS);
    try {
      for (let left = size; left > 0; ) {
        const count = readSync(file, this.#buffer, 0, Math.min(left, CHUNK), null);
        if (count === 0) throw new Error(`the file ${shownPath(path)} became shorter while it was read`);
        left -= count;
        yield this.#buffer.subarray(0, count);
      }
    } finally {
      closeSync(file);
    }
  }

  *#below(folder: string): Generator<TreeMember> {
    const files = listFolder(this.#native, this.#at(folder), { limit: SMALL, most: MOST }).map((file) => ({ file, name: file.name('latin1') }));
    for (const { file, name } of files.sort((one, two) => (one.name < two.name ? -1 : 1))) {
      const path = folder === '.' ? name : `${folder}/${name}`;
      const entry = this.#entry(path, file);
      if (!entry) continue;
      yield { entry, content: entry.type === 'file' ? file.content : undefined };
      if (entry.type === 'directory' && file.dev === this.#device) yield* this.#below(path);
    }
  }

  #entry(path: string, file: ListedFile): TarEntry | undefined {
    const type = OF_MODE[file.type & constants.S_IFMT];
    if (type === undefined) return undefined;
    const isDevice = type === 'character' || type === 'block';
    const plain = { path, mode: file.type & 0o7777, uid: Number(file.uid), gid: Number(file.gid), mtime: file.mtime, deviceMajor: 0, deviceMinor: 0 };
    const first = type === 'directory' || file.nlink === 1n || isWhiteout(type, file) ? undefined : this.#firstName(path, file);
    if (first !== undefined) return { ...plain, type: 'hardlink', linkPath: first, size: 0, xattrs: NONE };
    return {
      ...plain,
      ...(isDevice ? { deviceMajor: file.major, deviceMinor: file.minor } : {}),
      type,
      xattrs: file.mayHaveAttributes ? this.#attributes(path) : NONE,
      linkPath: type === 'symlink' ? readlinkSync(this.#at(path), 'latin1') : '',
      size: type === 'file' ? Number(file.size) : 0,
    };
  }

  /** Under which name the file has come already. */
  #firstName(path: string, { dev, ino }: ListedFile): string | undefined {
    const paths = this.#linked.get(dev) ?? new Map<bigint, string>();
    this.#linked.set(dev, paths);
    const first = paths.get(ino);
    if (first === undefined) paths.set(ino, path);
    return first;
  }

  #attributes(path: string): ReadonlyMap<string, Buffer> {
    const found = this.#native.attributes(this.#at(path));
    if (!found) return NONE;
    const map = new Map<string, Buffer>();
    for (let index = 0; index < found.length; index += 2) map.set(String(found[index]), found[index + 1] as Buffer);
    return map;
  }

  #at(path: string): Buffer {
    return Buffer.from(path === '.' ? this.#root : `${this.#root}/${path}`, 'latin1');
  }
}

/** Overlay gives all its whiteouts one inode. */
function isWhiteout(type: TarType, { major, minor }: ListedFile): boolean {
  return type === 'character' && major === 0 && minor === 0;
}
