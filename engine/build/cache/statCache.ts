import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeTempFiles, replaceFile } from '../../base/atomicFile.ts';
import type { FileStats } from '../../host/folderListing.ts';
import { fileDigest } from '../context/fileDigest.ts';
import { digestOf } from '../plan/digest.ts';

/** A file changed this recently may change again without its times showing it. */
const SETTLED_MS = 100;

const folderSchema = z.object({ root: z.string(), files: z.record(z.string(), z.tuple([z.string(), z.string()])) });

/** Digests of the files of one context folder: path → [size, times and inode, sha256]. */
export class FolderDigests {
  readonly root: string;
  readonly #files: Map<string, readonly [string, string]>;
  #dirty = false;

  constructor(root: string, files: Iterable<readonly [string, readonly [string, string]]> = []) {
    this.root = root;
    this.#files = new Map(files);
  }

  /** sha256 of the file if it is known and nothing says that it changed. */
  known(path: string, stats: FileStats): string | undefined {
    const known = this.#files.get(path);
    return known?.[0] === stateOf(stats) ? known[1] : undefined;
  }

  /** sha256 of the file, read again only when size, times or inode say that it changed. */
  async digest(path: string, location: string, stats: FileStats, signal?: AbortSignal): Promise<string> {
    const state = stateOf(stats);
    const known = this.#files.get(path);
    if (known?.[0] === state) return known[1];
    const now = Date.now();
    const digest = await fileDigest(location, signal);
    if (now - Number(stats.ctimeMs) > SETTLED_MS) {
      this.#files.set(path, [state, digest]);
      this.#dirty = true;
    }
    return digest;
  }

  /** What to write, when there is something new. */
  takeChanges(): string | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    return JSON.stringify({ root: this.root, files: Object.fromEntries(this.#files) });
  }
}

function stateOf({ size, mtimeNs, ctimeNs, ino }: FileStats): string {
  return `${size}-${mtimeNs}-${ctimeNs}-${ino}`;
}

/** Remembers digests of context files between builds, in `build-cache/stat/`. Losing it costs time only. */
export class StatCache {
  readonly #folder: string;
  readonly #loaded = new Map<string, FolderDigests>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async open(root: string): Promise<FolderDigests> {
    const loaded = this.#loaded.get(root) ?? (await this.#load(root));
    this.#loaded.delete(root);
    this.#loaded.set(root, loaded);
    for (const oldest of [...this.#loaded.keys()].slice(0, -8)) this.#loaded.delete(oldest);
    return loaded;
  }

  async save(digests: FolderDigests): Promise<void> {
    const text = digests.takeChanges();
    if (text === undefined) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await replaceFile(this.#file(digests.root), text);
  }

  async reconcile(): Promise<void> {
    await removeTempFiles(this.#folder);
  }

  async #load(root: string): Promise<FolderDigests> {
    try {
      const parsed = folderSchema.parse(JSON.parse(await readFile(this.#file(root), 'utf8')));
      if (parsed.root === root) return new FolderDigests(root, Object.entries(parsed.files));
    } catch {
      // Absent or damaged: start anew.
    }
    return new FolderDigests(root);
  }

  #file(root: string): string {
    return join(this.#folder, `${digestOf(root).slice(0, 32)}.json`);
  }
}
