import { closeSync, fstatSync, futimesSync, lstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, rmdirSync, unlinkSync, writeSync } from 'node:fs';
import { systemCode } from '../errors.ts';
import { stagingName } from '../sync/paths.ts';
import { digestFile, digestOfBytes, readAll } from './contentDigest.ts';
import { FolderWalk, createFile, isMissing, readFlags } from './folderWalk.ts';

const DIGEST = /^[0-9a-f]{64}$/;
const ABANDONED_MS = 7 * 24 * 3600 * 1000;

/**
 * Content that has arrived and waits for its place, in a private folder in the root: on the same file system, so that a rename is enough. Files are called
 * by their digest; a file that is being written has another name, and is where a cut transfer goes on.
 */
export class Staging {
  readonly #root: string;
  readonly #folder: string;
  /** Digests whose files are known to be whole. */
  readonly #whole = new Set<string>();

  constructor(root: string, id: string) {
    this.#root = root;
    this.#folder = `${stagingName}/${id}`;
  }

  /** Opens the folder; it is made if need be. Good until disposed. */
  open(): StagingFolder {
    const walk = new FolderWalk(this.#root);
    try {
      return new StagingFolder(walk, this.#enter(walk), this.#folder, this.#whole);
    } catch (error) {
      walk[Symbol.dispose]();
      throw error;
    }
  }

  #enter(walk: FolderWalk): string {
    let path = '';
    for (const name of this.#folder.split('/')) {
      try {
        mkdirSync(walk.enter(path) + name, { mode: 0o700 });
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      path = path === '' ? name : `${path}/${name}`;
    }
    return walk.enter(path);
  }

  /** Removes what waits no more, and the folder when it is empty. What came only in part stays, to go on with it, unless `partial`. */
  clear(options: { readonly staged: boolean; readonly partial: boolean }): void {
    using walk = new FolderWalk(this.#root);
    try {
      const prefix = walk.enter(this.#folder);
      for (const name of readdirSync(prefix)) if (DIGEST.test(name) ? options.staged : options.partial) rmSync(prefix + name, { force: true });
      if (options.staged) this.#whole.clear();
      const above = walk.enter(stagingName);
      rmdirSync(above + (this.#folder.split('/')[1] ?? ''));
      removeAbandoned(above);
      rmdirSync(walk.enter('') + stagingName);
    } catch (error) {
      const code = systemCode(error);
      if (!isMissing(error) && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
  }
}

/** What syncs left that never went on. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const stats = lstatSync(folder + name);
    if (stats.isDirectory() && Date.now() - stats.mtimeMs > ABANDONED_MS) rmSync(folder + name, { recursive: true, force: true });
  }
}

export class StagingFolder implements Disposable {
  readonly #walk: FolderWalk;
  readonly #prefix: string;
  readonly #path: string;
  readonly #whole: Set<string>;

  /** `path`: in the root. */
  constructor(walk: FolderWalk, prefix: string, path: string, whole: Set<string>) {
    this.#walk = walk;
    this.#prefix = prefix;
    this.#path = path;
    this.#whole = whole;
  }

  place(name: string): string {
    return this.#prefix + name;
  }

  partOf(digest: string): string {
    return `${this.#prefix}part-${digest}`;
  }

  /** What came of a file before the transfer was cut, put aside to take its blocks from; its size, 0 when there is nothing. */
  takePartial(digest: string): number {
    try {
      renameSync(this.partOf(digest), this.#base(digest));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    try {
      return lstatSync(this.#base(digest)).size;
    } catch {
      return 0;
    }
  }

  /** Its path in the root, for when this folder is not open. */
  basePath(digest: string): string {
    return `${this.#path}/base-${digest}`;
  }

  #base(digest: string): string {
    return `${this.#prefix}base-${digest}`;
  }

  /** Whether this content is here, whole. What an earlier run left is read once more before it is trusted. */
  async has(path: string, digest: string): Promise<boolean> {
    if (this.#whole.has(digest)) return true;
    try {
      if ((await digestFile(path, this.place(digest)))?.digest === digest) {
        this.#whole.add(digest);
        return true;
      }
      rmSync(this.place(digest), { force: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    return false;
  }

  /** Writes content that fits in memory; false: it is not what it should be. */
  write(path: string, digest: string, content: Buffer, { mode, mtime }: { readonly mode: number; readonly mtime?: number | undefined }): boolean {
    if (digestOfBytes(path, content) !== digest) return false;
    const file = createFile(this.place(digest), mode);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
      if (mtime !== undefined) futimesSync(file, new Date(), new Date(mtime));
    } finally {
      closeSync(file);
    }
    this.#whole.add(digest);
    return true;
  }

  /** A file written in parts is complete; `found` is its digest. */
  finish(digest: string, found: string): boolean {
    if (found !== digest) unlinkSync(this.partOf(digest));
    else {
      renameSync(this.partOf(digest), this.place(digest));
      this.#whole.add(digest);
    }
    rmSync(this.#base(digest), { force: true });
    return found === digest;
  }

  /** The digest of a file as entries have it, for content that must be looked at whole. */
  digestOfPart(path: string, digest: string): string {
    const file = openSync(this.partOf(digest), readFlags);
    try {
      return digestOfBytes(path, readAll(file, fstatSync(file).size));
    } finally {
      closeSync(file);
    }
  }

  [Symbol.dispose](): void {
    this.#walk[Symbol.dispose]();
  }
}
