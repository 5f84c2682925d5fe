import { Buffer } from 'node:buffer';
import { closeSync, constants, lstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import type * as Native from '#native';
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

/** As the add-on tells it. */
interface Item {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly links: number;
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly content: Buffer | undefined;
  readonly hasAttributes: boolean;
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
    const items = parse(this.#native.readFolder(this.#at(folder), SMALL, MOST)).sort((one, two) => (one.name < two.name ? -1 : 1));
    for (const item of items) {
      const path = folder === '.' ? item.name : `${folder}/${item.name}`;
      const entry = this.#entry(path, item);
      if (!entry) continue;
      yield { entry, content: entry.type === 'file' ? item.content : undefined };
      if (entry.type === 'directory' && item.device === this.#device) yield* this.#below(path);
    }
  }

  #entry(path: string, item: Item): TarEntry | undefined {
    const type = OF_MODE[item.mode & constants.S_IFMT];
    if (type === undefined) return undefined;
    const { uid, gid, mtime } = item;
    const isDevice = type === 'character' || type === 'block';
    const plain = { path, mode: item.mode & 0o7777, uid, gid, mtime, deviceMajor: 0, deviceMinor: 0 };
    const first = type === 'directory' || item.links === 1 || isWhiteout(type, item) ? undefined : this.#firstName(path, item);
    if (first !== undefined) return { ...plain, type: 'hardlink', linkPath: first, size: 0, xattrs: NONE };
    return {
      ...plain,
      ...(isDevice ? { deviceMajor: item.deviceMajor, deviceMinor: item.deviceMinor } : {}),
      type,
      xattrs: item.hasAttributes ? this.#attributes(path) : NONE,
      linkPath: type === 'symlink' ? readlinkSync(this.#at(path), 'latin1') : '',
      size: type === 'file' ? item.size : 0,
    };
  }

  /** Under which name the file has come already. */
  #firstName(path: string, { device, inode }: Item): string | undefined {
    const paths = this.#linked.get(device) ?? new Map<bigint, string>();
    this.#linked.set(device, paths);
    const first = paths.get(inode);
    if (first === undefined) paths.set(inode, path);
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
function isWhiteout(type: TarType, { deviceMajor, deviceMinor }: Item): boolean {
  return type === 'character' && deviceMajor === 0 && deviceMinor === 0;
}

/** Bytes of an item before its name: six numbers of 4 bytes, five of 8, three of 4. */
const ITEM = 76;

/** The items of a listing; numbers are little endian, as on every machine that Berth runs on. */
function parse(listing: Buffer): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < listing.length; ) {
    const word = (index: number): number => listing.readUInt32LE(at + 4 * index);
    const nameEnd = at + ITEM + word(0);
    const length = listing.readInt32LE(at + 68);
    items.push({
      name: listing.toString('latin1', at + ITEM, nameEnd),
      ...{ mode: word(1), uid: word(2), gid: word(3), deviceMajor: word(4), deviceMinor: word(5) },
      links: Number(listing.readBigUInt64LE(at + 24)),
      device: listing.readBigUInt64LE(at + 32),
      inode: listing.readBigUInt64LE(at + 40),
      size: Number(listing.readBigUInt64LE(at + 48)),
      mtime: Number(listing.readBigInt64LE(at + 56)),
      content: length < 0 ? undefined : listing.subarray(nameEnd, nameEnd + length),
      hasAttributes: word(18) !== 0,
    });
    at = nameEnd + Math.max(0, length);
  }
  return items;
}
