import { Buffer } from 'node:buffer';
import { closeSync, constants, lstatSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type * as Native from '#native';
import type { TarEntry, TarType } from './entry.ts';
import { shownPath } from './shownPath.ts';

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Bytes that are read at once. */
const CHUNK = 256 * 1024;
const NONE: ReadonlyMap<string, Buffer> = new Map();
const OF_MODE: Readonly<Record<number, TarType>> = { [constants.S_IFREG]: 'file', [constants.S_IFDIR]: 'directory', [constants.S_IFLNK]: 'symlink', [constants.S_IFCHR]: 'character', [constants.S_IFBLK]: 'block', [constants.S_IFIFO]: 'fifo' };

/**
 * What is in a folder that nobody changes meanwhile, as the members of a tar would be: the folder itself first ('.'), each folder before what is
 * in it, names in the order of their bytes; a further name of a file is a hard link to the first. Sockets are left out, as every tar does, and
 * what is mounted inside. Synchronous, which costs a fraction of the time that promises would.
 */
export class TreeReader {
  readonly #root: string;
  readonly #native: typeof Native;
  readonly #linked = new Map<string, string>();
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #device = 0;

  private constructor(root: string, native: typeof Native) {
    // One character a byte, as the paths of entries are.
    this.#root = Buffer.from(root).toString('latin1');
    this.#native = native;
  }

  static async of(root: string): Promise<TreeReader> {
    return new TreeReader(root, await import('#native'));
  }

  *entries(path = '.'): Generator<TarEntry> {
    const at = this.#at(path);
    const stats = lstatSync(at);
    if (path === '.') this.#device = stats.dev;
    const entry = this.#entry(path, at, stats);
    if (!entry) return;
    yield entry;
    if (entry.type !== 'directory' || stats.dev !== this.#device) return;
    for (const name of readdirSync(at, 'latin1').sort(byBytes)) yield* this.entries(path === '.' ? name : `${path}/${name}`);
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

  #entry(path: string, at: Buffer, stats: Stats): TarEntry | undefined {
    const type = OF_MODE[stats.mode & constants.S_IFMT];
    if (type === undefined) return undefined;
    const device = type === 'character' || type === 'block' ? deviceOf(stats.rdev) : { deviceMajor: 0, deviceMinor: 0 };
    const plain = { path, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, mtime: stats.mtimeMs / 1000, ...device };
    const first = type === 'directory' || stats.nlink === 1 || isWhiteout(type, device) ? undefined : this.#firstName(path, at, stats);
    if (first !== undefined) return { ...plain, type: 'hardlink', linkPath: first, size: 0, deviceMajor: 0, deviceMinor: 0, xattrs: NONE };
    return { ...plain, type, xattrs: this.#attributes(at), linkPath: type === 'symlink' ? readlinkSync(at, 'latin1') : '', size: type === 'file' ? stats.size : 0 };
  }

  /** Under which name the file has come already. */
  #firstName(path: string, at: Buffer, stats: Stats): string | undefined {
    const { dev, ino } = Number.isSafeInteger(stats.ino) ? stats : lstatSync(at, { bigint: true });
    const first = this.#linked.get(`${dev}:${ino}`);
    if (first === undefined) this.#linked.set(`${dev}:${ino}`, path);
    return first;
  }

  #attributes(at: Buffer): ReadonlyMap<string, Buffer> {
    const found = this.#native.attributes(at);
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
function isWhiteout(type: TarType, { deviceMajor, deviceMinor }: Pick<TarEntry, 'deviceMajor' | 'deviceMinor'>): boolean {
  return type === 'character' && deviceMajor === 0 && deviceMinor === 0;
}

/** As Linux packs the two numbers into one of 64 bits. */
function deviceOf(device: number): Pick<TarEntry, 'deviceMajor' | 'deviceMinor'> {
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  return { deviceMajor: ((high & 0xfffff000) >>> 0) + ((low >>> 8) & 0xfff), deviceMinor: (low & 0xff) + ((low >>> 12) & 0xfff00) + (high & 0xfff) * 2 ** 20 };
}

function byBytes(one: string, two: string): number {
  return one < two ? -1 : 1;
}
