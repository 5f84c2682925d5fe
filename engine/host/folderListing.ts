import type { Buffer } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import type * as Native from '#native';

/** What is known of a file; as Node's own, where a number may be longer than a double holds. */
export type FileStats = Pick<BigIntStats, 'mode' | 'uid' | 'gid' | 'size' | 'blocks' | 'nlink' | 'dev' | 'ino' | 'rdev' | 'mtimeNs' | 'ctimeNs' | 'atimeNs' | 'ctimeMs'>;

/** Bytes of a file's description: six numbers of 4 bytes, eight of 8, five of 4; see files.c. Its name follows, and its content if that came along. */
const DESCRIPTION = 108;

/** A file of a folder. What is asked of it is read out of the listing: thousands of objects with a dozen long numbers each would be mostly garbage. */
export class ListedFile implements FileStats {
  readonly #listing: Buffer;
  readonly #at: number;

  constructor(listing: Buffer, at: number) {
    this.#listing = listing;
    this.#at = at;
  }

  /** Bytes of it in the listing. */
  get length(): number {
    return DESCRIPTION + this.#word(0) + Math.max(0, this.#contentSize);
  }

  name(encoding: 'utf8' | 'latin1'): string {
    return this.#listing.toString(encoding, this.#at + DESCRIPTION, this.#at + DESCRIPTION + this.#word(0));
  }

  get type(): number {
    return this.#word(1);
  }

  get mode(): bigint {
    return BigInt(this.#word(1));
  }

  get uid(): bigint {
    return BigInt(this.#word(2));
  }

  get gid(): bigint {
    return BigInt(this.#word(3));
  }

  get major(): number {
    return this.#word(4);
  }

  get minor(): number {
    return this.#word(5);
  }

  get nlink(): bigint {
    return this.#long(24);
  }

  get dev(): bigint {
    return this.#long(32);
  }

  get ino(): bigint {
    return this.#long(40);
  }

  get size(): bigint {
    return this.#long(48);
  }

  get blocks(): bigint {
    return this.#long(56);
  }

  /** As Linux packs the two numbers. */
  get rdev(): bigint {
    const [major, minor] = [BigInt(this.major), BigInt(this.minor)];
    return ((major & 0xfffff000n) << 32n) | ((major & 0xfffn) << 8n) | ((minor & 0xffffff00n) << 12n) | (minor & 0xffn);
  }

  /** Whole seconds since 1970. */
  get mtime(): number {
    return Number(this.#listing.readBigInt64LE(this.#at + 64));
  }

  get mtimeNs(): bigint {
    return this.#time(64, 88);
  }

  get ctimeNs(): bigint {
    return this.#time(72, 92);
  }

  get ctimeMs(): bigint {
    return this.ctimeNs / 1_000_000n;
  }

  get atimeNs(): bigint {
    return this.#time(80, 96);
  }

  /** If it came along. */
  get content(): Buffer | undefined {
    const size = this.#contentSize;
    const from = this.#at + DESCRIPTION + this.#word(0);
    return size < 0 ? undefined : this.#listing.subarray(from, from + size);
  }

  /** False: it has no extended attributes. */
  get mayHaveAttributes(): boolean {
    return this.#word(26) !== 0;
  }

  get #contentSize(): number {
    return this.#listing.readInt32LE(this.#at + 100);
  }

  /** Little endian, as every machine is that Berth runs on. */
  #word(index: number): number {
    return this.#listing.readUInt32LE(this.#at + 4 * index);
  }

  #long(offset: number): bigint {
    return this.#listing.readBigUInt64LE(this.#at + offset);
  }

  #time(seconds: number, rest: number): bigint {
    return this.#listing.readBigInt64LE(this.#at + seconds) * 1_000_000_000n + BigInt(this.#listing.readUInt32LE(this.#at + rest));
  }
}

/** What is in a folder, in no order, by one call; with the contents of files of at most `limit` bytes, together at most `most`. Throws with the system's code. */
export function listFolder(native: typeof Native, path: Buffer, { limit, most }: { readonly limit: number; readonly most: number } = { limit: 0, most: 0 }): ListedFile[] {
  const listing = native.readFolder(path, limit, most);
  const files: ListedFile[] = [];
  for (let at = 0; at < listing.length; ) {
    const file = new ListedFile(listing, at);
    files.push(file);
    at += file.length;
  }
  return files;
}
