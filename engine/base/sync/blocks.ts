import { hash } from 'node:crypto';

/**
 * Which parts of a file its reader has already (as rsync finds them): the reader sends a weak and a strong sum of each block of its old
 * version; the sender slides over the new one and says "block n" where a sum fits, and bytes elsewhere. The digest of the whole decides in the end.
 */

const STRONG_BYTES = 16;
const RECORD = 4 + STRONG_BYTES;
/** Literal bytes of one operation at most. */
const LITERAL = 1 << 17;

export type BlockOp = { readonly kind: 'copy'; readonly block: number; readonly count: number } | { readonly kind: 'data'; readonly data: Buffer };

export interface Signature {
  readonly blockSize: number;
  /** One record a block: weak sum, strong sum. */
  readonly sums: Buffer;
}

/** About the square root of the size: sums and literals then cost the same. */
export function blockSizeFor(size: number): number {
  const root = 2 ** Math.round(Math.log2(Math.sqrt(Math.max(1, size))));
  return Math.min(1 << 17, Math.max(1 << 11, root));
}

/** The record of one block, which is full-sized but for the last of a file. Only full blocks are worth a record. */
export function blockSum(block: Buffer): Buffer {
  const record = Buffer.alloc(RECORD);
  record.writeUInt32BE(weakSum(block, 0, block.length), 0);
  strongSum(block).copy(record, 4);
  return record;
}

function strongSum(block: Buffer): Buffer {
  return hash('sha256', block, 'buffer').subarray(0, STRONG_BYTES);
}

function weakSum(data: Buffer, start: number, length: number): number {
  let low = 0;
  let high = 0;
  for (let at = start; at < start + length; at++) {
    low += data[at] ?? 0;
    high += low;
    if ((at & 0xfff) === 0) {
      low &= 0xffff;
      high &= 0xffff;
    }
  }
  return (((high & 0xffff) << 16) | (low & 0xffff)) >>> 0;
}

/** Turns a new version, given piece by piece, into operations on the old one. */
export class BlockEncoder {
  readonly #size: number;
  readonly #sums: Buffer;
  readonly #byWeak = new Map<number, number[]>();
  readonly #filter = new Uint8Array(1 << 16);
  #rest = Buffer.alloc(0);
  #run: { block: number; count: number } | undefined;

  constructor({ blockSize, sums }: Signature) {
    this.#size = blockSize;
    this.#sums = sums;
    for (let block = 0; block * RECORD < sums.length; block++) {
      const weak = sums.readUInt32BE(block * RECORD);
      this.#filter[weak & 0xffff] = 1;
      const same = this.#byWeak.get(weak);
      if (same) same.push(block);
      else this.#byWeak.set(weak, [block]);
    }
  }

  *push(piece: Buffer): Generator<BlockOp> {
    const data = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const done = yield* this.#encode(data);
    this.#rest = Buffer.from(data.subarray(done));
  }

  *finish(): Generator<BlockOp> {
    yield* this.#literal(this.#rest);
    this.#rest = Buffer.alloc(0);
    yield* this.#endRun();
  }

  /** Returns up to where the data was encoded: less than a block is left. */
  *#encode(data: Buffer): Generator<BlockOp, number> {
    const size = this.#size;
    let start = 0;
    let at = 0;
    let fresh = true;
    let low = 0;
    let high = 0;
    while (at + size <= data.length) {
      if (fresh) {
        const weak = weakSum(data, at, size);
        low = weak & 0xffff;
        high = weak >>> 16;
        fresh = false;
      }
      const block = this.#filter[low] === 1 ? this.#find(((high << 16) | low) >>> 0, data.subarray(at, at + size)) : undefined;
      if (block === undefined) {
        const out = data[at] ?? 0;
        low = (low - out + (data[at + size] ?? 0)) & 0xffff;
        high = (high - size * out + low) & 0xffff;
        at++;
        continue;
      }
      yield* this.#literal(data.subarray(start, at));
      yield* this.#copy(block);
      at += size;
      start = at;
      fresh = true;
    }
    yield* this.#literal(data.subarray(start, at));
    return at;
  }

  #find(weak: number, block: Buffer): number | undefined {
    const candidates = this.#byWeak.get(weak);
    if (candidates === undefined) return undefined;
    const strong = strongSum(block);
    const fits = candidates.filter((index) => this.#sums.compare(strong, 0, STRONG_BYTES, index * RECORD + 4, (index + 1) * RECORD) === 0);
    // The block after the last one makes the run longer.
    const next = this.#run ? this.#run.block + this.#run.count : -1;
    return fits.includes(next) ? next : fits[0];
  }

  *#copy(block: number): Generator<BlockOp> {
    if (this.#run && this.#run.block + this.#run.count === block) this.#run.count++;
    else {
      yield* this.#endRun();
      this.#run = { block, count: 1 };
    }
  }

  *#literal(data: Buffer): Generator<BlockOp> {
    if (data.length === 0) return;
    yield* this.#endRun();
    for (let at = 0; at < data.length; at += LITERAL) yield { kind: 'data', data: data.subarray(at, at + LITERAL) };
  }

  *#endRun(): Generator<BlockOp> {
    if (this.#run) yield { kind: 'copy', ...this.#run };
    this.#run = undefined;
  }
}
