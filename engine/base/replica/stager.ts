import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { blockSizeFor, blockSum } from '../sync/blocks.ts';
import type { Need, Wanted } from '../sync/messages.ts';
import { nameOf, parentOf } from '../sync/paths.ts';
import { breathe, isLong } from './breathe.ts';
import { digestFile, readAll } from './contentDigest.ts';
import { FolderWalk, copyLarge, readFlags } from './folderWalk.ts';
import type { Expected } from './receiver.ts';
import type { StagingFolder } from './staging.ts';
import type { TreeIndex } from './treeIndex.ts';

/** Below this a file is sent whole. */
const WORTH_BLOCKS = 1 << 16;
const IN_MEMORY = 1 << 20;

/** Finds out what must be sent: not what is staged already, nor what is in the folder under another name; of a large file not the blocks that are here. */
export class Stager {
  readonly #root: string;
  readonly #index: TreeIndex;
  readonly #staging: StagingFolder;
  readonly needs: Need[] = [];
  readonly expected = new Map<number, Expected>();
  #byDigest: Map<string, string> | undefined;

  constructor(root: string, index: TreeIndex, staging: StagingFolder) {
    this.#root = root;
    this.#index = index;
    this.#staging = staging;
  }

  async prepare(files: readonly Wanted[]): Promise<void> {
    using walk = new FolderWalk(this.#root);
    const seen = new Set<string>();
    for (const [index, wanted] of files.entries()) {
      if (isLong()) await breathe();
      if (seen.has(wanted.digest)) continue;
      seen.add(wanted.digest);
      if ((await this.#staging.has(wanted.path, wanted.digest)) || (await this.#copyFromElsewhere(walk, wanted))) continue;
      await this.#need(index, wanted);
    }
  }

  async #need(index: number, wanted: Wanted): Promise<void> {
    const need: Need = { path: wanted.path, digest: wanted.digest, index };
    const base = wanted.size < WORTH_BLOCKS ? undefined : this.#baseOf(wanted);
    if (base === undefined) {
      this.needs.push(need);
      this.expected.set(index, { wanted });
      return;
    }
    const blockSize = blockSizeFor(base.size);
    this.needs.push({ ...need, signature: { blockSize, sums: (await sumsOf(base.open, blockSize)).toString('base64') } });
    this.expected.set(index, { wanted, base: { open: base.open, blockSize } });
  }

  /** What of the file is here: as much of it as came before a cut, or else its old version. */
  #baseOf(wanted: Wanted): { readonly size: number; readonly open: () => number } | undefined {
    const partial = this.#staging.takePartial(wanted.digest);
    const old = this.#index.get(wanted.path)?.entry;
    const oldSize = old?.kind === 'file' ? old.size : 0;
    if (partial >= WORTH_BLOCKS && partial >= Math.min(oldSize, wanted.size) / 2) return { size: partial, open: () => this.#openInRoot(this.#staging.basePath(wanted.digest)) };
    if (oldSize < WORTH_BLOCKS) return undefined;
    return { size: oldSize, open: () => this.#openInRoot(wanted.path) };
  }

  #openInRoot(path: string): number {
    using walk = new FolderWalk(this.#root);
    return openSync(walk.enter(parentOf(path)) + nameOf(path), readFlags);
  }

  /** A file that was moved or copied on the other side is here already. */
  async #copyFromElsewhere(walk: FolderWalk, { path, digest, size, mode }: Wanted): Promise<boolean> {
    const from = this.#pathOf(digest);
    if (from === undefined) return false;
    try {
      const place = walk.enter(parentOf(from)) + nameOf(from);
      if (size <= IN_MEMORY) return this.#staging.write(path, digest, readRegular(place, size + IN_MEMORY), { mode });
      await copyLarge(place, this.#staging.partOf(digest));
      return this.#staging.finish(digest, (await digestFile(from, this.#staging.partOf(digest)))?.digest ?? '');
    } catch {
      return false; // changed or gone: it is sent, then
    }
  }

  #pathOf(digest: string): string | undefined {
    if (this.#byDigest === undefined) {
      this.#byDigest = new Map();
      for (const [path, { entry }] of this.#index.entries()) if (entry.kind === 'file') this.#byDigest.set(entry.digest, path);
    }
    return this.#byDigest.get(digest);
  }
}

function readRegular(place: string, most: number): Buffer {
  const file = openSync(place, readFlags);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.size > most) throw new Error(`${place} is not what it was`);
    return readAll(file, stats.size);
  } finally {
    closeSync(file);
  }
}

async function sumsOf(open: () => number, blockSize: number): Promise<Buffer> {
  const file = open();
  try {
    const sums: Buffer[] = [];
    const block = Buffer.allocUnsafe(blockSize);
    for (let at = 0; readSync(file, block, 0, blockSize, at) === blockSize; at += blockSize) {
      sums.push(blockSum(block));
      if (isLong()) await breathe();
    }
    return Buffer.concat(sums);
  } finally {
    closeSync(file);
  }
}
