import { createHash } from 'node:crypto';
import { closeSync, futimesSync, readSync, writeSync } from 'node:fs';
import type { ContentRecord } from '../sync/contentStream.ts';
import { readRecords } from '../sync/contentStream.ts';
import { syncPeerInvalid } from '../sync/errors.ts';
import { isGitIndex } from '../sync/gitIndex.ts';
import type { Wanted } from '../sync/messages.ts';
import { breathe, isLong } from './breathe.ts';
import { createFile } from './folderWalk.ts';
import type { StagingFolder } from './staging.ts';

/** A file that was asked for, and where its blocks are when it comes as a difference. */
export interface Expected {
  readonly wanted: Wanted;
  readonly base?: { readonly open: () => number; readonly blockSize: number };
}

/** More than a file is said to have may come only of an index, whose caches count for nothing. */
const INDEX_SLACK = 16 * 1024 * 1024;

/** Takes a stream of files to the staging folder. Returns the numbers of those that did not arrive whole. */
export async function receiveFiles(content: AsyncIterable<Buffer>, expected: ReadonlyMap<number, Expected>, staging: StagingFolder, keepTimes: boolean): Promise<number[]> {
  const missing = new Set(expected.keys());
  let current: Arrival | undefined;
  let index = 0;
  try {
    for await (const chunk of content) {
      for (const record of readRecords(chunk)) {
        if (record.kind === 'file') {
          if (current) throw bad('a file begins before the last has ended');
          const file = expected.get(record.index);
          if (file === undefined || !missing.has(record.index)) throw bad(`file ${record.index} was not asked for`);
          current = new Arrival(file, staging, keepTimes ? record.mtime : undefined);
          index = record.index;
          continue;
        }
        if (current === undefined) throw bad('there is content without a file');
        if (record.kind === 'close') {
          if (current.close(record.intact)) missing.delete(index);
          current = undefined;
        } else current.add(record);
      }
      if (isLong()) await breathe();
    }
  } finally {
    current?.abandon();
  }
  return [...missing];
}

function bad(detail: string): Error {
  return syncPeerInvalid({ what: 'The content of files', detail });
}

/** One file on its way. A short one stays in memory until it is whole. */
class Arrival {
  readonly #file: Expected;
  readonly #staging: StagingFolder;
  readonly #mtime: number | undefined;
  readonly #sum = createHash('sha256');
  #first: Buffer | undefined;
  #out: number | undefined;
  #base: number | undefined;
  #size = 0;

  constructor(file: Expected, staging: StagingFolder, mtime: number | undefined) {
    this.#file = file;
    this.#staging = staging;
    this.#mtime = mtime;
  }

  add(record: Extract<ContentRecord, { kind: 'data' | 'copy' }>): void {
    if (record.kind === 'copy') this.#copy(record.block, record.count);
    else if (this.#out === undefined && this.#first === undefined) {
      this.#grow(record.data.length);
      this.#first = record.data;
    } else this.#write(record.data, true);
  }

  close(intact: boolean): boolean {
    const { path, digest, mode } = this.#file.wanted;
    if (this.#out === undefined) {
      return intact && this.#staging.write(path, digest, this.#first ?? Buffer.alloc(0), { mode, mtime: this.#mtime });
    }
    if (this.#mtime !== undefined) futimesSync(this.#out, new Date(), new Date(this.#mtime));
    this.abandon();
    const found = isGitIndex(path) ? this.#staging.digestOfPart(path, digest) : this.#sum.digest('hex');
    return this.#staging.finish(digest, intact ? found : '');
  }

  /** Leaves what came: the next transfer takes its blocks from it. */
  abandon(): void {
    for (const fd of [this.#out, this.#base]) if (fd !== undefined) closeSync(fd);
    this.#out = undefined;
    this.#base = undefined;
  }

  #copy(block: number, count: number): void {
    const { base } = this.#file;
    if (base === undefined) throw bad('there is a copy from a file that is not here');
    this.#base ??= base.open();
    const buffer = Buffer.allocUnsafe(base.blockSize);
    for (let index = block; index < block + count; index++) {
      const length = readSync(this.#base, buffer, 0, base.blockSize, index * base.blockSize);
      if (length !== base.blockSize) throw bad(`there is no block ${index}`);
      this.#write(buffer, true);
    }
  }

  #write(data: Buffer, grows: boolean): void {
    if (grows) this.#grow(data.length);
    if (this.#out === undefined) {
      this.#out = createFile(this.#staging.partOf(this.#file.wanted.digest), 0o600);
      const first = this.#first;
      this.#first = undefined;
      if (first) this.#write(first, false);
    }
    this.#sum.update(data);
    for (let at = 0; at < data.length; ) at += writeSync(this.#out, data, at);
  }

  #grow(length: number): void {
    this.#size += length;
    const { path, size } = this.#file.wanted;
    if (this.#size > size + (isGitIndex(path) ? INDEX_SLACK : 0)) throw bad(`${path} is longer than was said`);
  }
}
