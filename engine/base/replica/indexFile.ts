import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../atomicFile.ts';
import type { Indexed, TreeIndex } from './treeIndex.ts';
import { packZstd, unpackZstd } from '../zstd.ts';

const MOST = 1024 * 1024 * 1024;

/** path, permissions, size, digest, times and inode: of files only, as everything else costs nothing to look at. */
const fileSchema = z.object({ root: z.string(), files: z.array(z.tuple([z.string(), z.number(), z.number(), z.string(), z.number(), z.number(), z.number()])) });

/** What a scan learnt, kept between runs so that only changed files are read. Losing it costs time only. */
export class IndexFile {
  readonly #path: string;
  readonly #root: string;

  constructor(path: string, root: string) {
    this.#path = path;
    this.#root = root;
  }

  /** The files known from an earlier run, by path. */
  async load(): Promise<Map<string, Indexed>> {
    const known = new Map<string, Indexed>();
    try {
      const { root, files } = fileSchema.parse(JSON.parse((await unpackZstd(await readFile(this.#path), MOST)).toString('utf8')));
      if (root !== this.#root) return known;
      for (const [path, mode, size, digest, mtime, ctime, inode] of files) known.set(path, { entry: { kind: 'file', mode, size, digest }, mark: { size, mtime, ctime, inode } });
    } catch {
      known.clear(); // absent or damaged: everything is read once more
    }
    return known;
  }

  async save(index: TreeIndex): Promise<void> {
    const files: Array<[string, number, number, string, number, number, number]> = [];
    for (const [path, { entry, mark, fresh }] of index.entries()) {
      if (entry.kind === 'file' && mark !== undefined && fresh !== true) files.push([path, entry.mode, entry.size, entry.digest, mark.mtime, mark.ctime, mark.inode]);
    }
    await writeFileAtomic(this.#path, await packZstd(Buffer.from(JSON.stringify({ root: this.#root, files }))));
  }
}
