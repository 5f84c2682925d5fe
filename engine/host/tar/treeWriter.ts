import { Buffer } from 'node:buffer';
import { closeSync, constants, fchmodSync, fchownSync, futimesSync, lchownSync, linkSync, lstatSync, lutimesSync, chmodSync, ftruncateSync, mkdirSync, openSync, rmdirSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
import type * as Native from '#native';
import { diskFull, isFull, systemCode } from '../../base/errors.ts';
import type { TarEntry } from './entry.ts';
import { layerNotWritten } from './errors.ts';
import type { FileContent } from './reader.ts';
import { shownPath } from './shownPath.ts';

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
const NODE_TYPES: Readonly<Partial<Record<TarEntry['type'], number>>> = { character: 0o020000, block: 0o060000, fifo: 0o010000 };

export interface TreeWriterOptions {
  /** The attribute without which a folder would not mean what the layer says: it must not get lost. */
  readonly required: string;
}

/**
 * Makes the files of a layer below a folder that nobody else writes to. Paths must be checked already (`LayerPaths`): none leads out or through
 * a link. Synchronous, which costs a fifth of the time that promises would, so it is for threads of their own. Throws DISK_FULL, LAYER_NOT_WRITTEN.
 */
export class TreeWriter {
  readonly #root: string;
  /** The root's bytes, as names carry theirs. */
  readonly #prefix: string;
  readonly #native: typeof Native;
  readonly #required: string;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  /** Rights and times of folders wait for the end: what is made in a folder changes its times, and may need its rights. */
  readonly #folders = new Map<string, TarEntry>();
  #open: { readonly fd: number; readonly entry: TarEntry } | undefined;

  private constructor(root: string, native: typeof Native, { required }: TreeWriterOptions) {
    this.#root = root;
    this.#prefix = `${Buffer.from(root).toString('latin1')}/`;
    this.#native = native;
    this.#required = required;
  }

  static async into(root: string, options: TreeWriterOptions): Promise<TreeWriter> {
    return new TreeWriter(root, await import('#native'), options);
  }

  /** Makes an entry, in the place of what is there. */
  make(entry: TarEntry): void {
    this.#finishFile();
    this.#guard(entry, () => this.#create(entry, this.#at(entry.path)));
  }

  /** Content of the file that was made last. */
  write({ data, at }: Pick<FileContent, 'data' | 'at'>): void {
    const file = this.#open;
    if (!file) return;
    this.#guard(file.entry, () => {
      for (let done = 0; done < data.length; ) done += writeSync(file.fd, data, done, data.length - done, at + done);
    });
  }

  /** What was put off. */
  finish(): void {
    this.#finishFile();
    for (const [path, entry] of [...this.#folders].reverse()) {
      this.#guard(entry, () => {
        const at = this.#at(path);
        lchownSync(at, entry.uid, entry.gid);
        chmodSync(at, entry.mode);
        setTimes(at, entry);
      });
    }
    this.#folders.clear();
  }

  /** Lets go of a file that will not be finished. */
  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #create(entry: TarEntry, at: Buffer): void {
    if (entry.type === 'directory') return this.#folder(entry, at);
    if (entry.type === 'file') {
      this.#open = { entry, fd: this.#replacing(entry.path, at, () => openSync(at, CREATE, 0o600)) };
      return;
    }
    if (entry.type === 'hardlink') return this.#replacing(entry.path, at, () => linkSync(this.#at(entry.linkPath), at));
    if (entry.type === 'symlink') this.#replacing(entry.path, at, () => symlinkSync(Buffer.from(entry.linkPath, 'latin1'), at));
    else this.#replacing(entry.path, at, () => this.#native.makeNode(at, NODE_TYPES[entry.type] ?? 0, entry.deviceMajor, entry.deviceMinor));
    if (this.#isForeign(entry)) lchownSync(at, entry.uid, entry.gid);
    if (entry.type !== 'symlink' && entry.mode !== 0) chmodSync(at, entry.mode);
    this.#attributes(entry, at);
    setTimes(at, entry);
  }

  #folder(entry: TarEntry, at: Buffer): void {
    if (!this.#folders.has(entry.path) && entry.path !== '.') this.#replacing(entry.path, at, () => mkdirSync(at, 0o700));
    this.#folders.set(entry.path, entry);
    this.#attributes(entry, at);
  }

  #finishFile(): void {
    const file = this.#open;
    if (!file) return;
    const { fd, entry } = file;
    try {
      this.#guard(entry, () => {
        if (entry.segments) ftruncateSync(fd, entry.size); // it may end with a hole
        if (this.#isForeign(entry)) fchownSync(fd, entry.uid, entry.gid);
        fchmodSync(fd, entry.mode);
        if (entry.xattrs.size > 0) this.#attributes(entry, this.#at(entry.path)); // after its owner: a change of that takes capabilities away
        futimesSync(fd, timeOf(entry), timeOf(entry));
      });
    } finally {
      this.close();
    }
  }

  /** Does what finds nothing at the path; only when something is there it goes first. */
  #replacing<T>(path: string, at: Buffer, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      if (lstatSync(at).isDirectory()) rmdirSync(at);
      else unlinkSync(at);
      this.#folders.delete(path);
      return work();
    }
  }

  /** As every engine does it, an attribute that this file system or this user cannot have is left out. */
  #attributes({ xattrs }: TarEntry, at: Buffer): void {
    for (const [name, value] of xattrs) {
      try {
        this.#native.setAttribute(at, name, value);
      } catch (error) {
        if (name === this.#required || isFull(error)) throw error;
      }
    }
  }

  #isForeign({ uid, gid }: TarEntry): boolean {
    return uid !== this.#uid || gid !== this.#gid;
  }

  /** Names are bytes, carried as one character each. */
  #at(path: string): Buffer {
    return Buffer.from(this.#prefix + path, 'latin1');
  }

  #guard(entry: TarEntry, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (isFull(error)) throw diskFull({ path: this.#root }, { cause: error });
      const detail = error instanceof Error ? (systemCode(error) ?? error.message) : String(error);
      throw layerNotWritten({ path: shownPath(entry.path), detail }, { cause: error });
    }
  }
}

function setTimes(at: Buffer, entry: TarEntry): void {
  lutimesSync(at, timeOf(entry), timeOf(entry));
}

/** Seconds beyond which no file system keeps times. */
const LAST = 2 ** 40;

/** Node takes a negative number for no time at all, but not a date before 1970. */
function timeOf({ mtime }: TarEntry): number | Date {
  if (!Number.isFinite(mtime)) return 0;
  return mtime < 0 ? new Date(Math.max(mtime, -LAST) * 1000) : Math.min(mtime, LAST);
}
