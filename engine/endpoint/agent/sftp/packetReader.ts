import { attribute, BadPacket } from './protocol.ts';

export interface Attributes {
  readonly size?: bigint;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly permissions?: number;
  readonly times?: { readonly atime: number; readonly mtime: number };
}

/** Takes the fields of one packet, one after the other. Throws BadPacket where there are none. */
export class PacketReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  byte(): number {
    return this.#data.readUInt8(this.#skip(1));
  }

  uint32(): number {
    return this.#data.readUInt32BE(this.#skip(4));
  }

  uint64(): bigint {
    return this.#data.readBigUInt64BE(this.#skip(8));
  }

  /** A view, good until the next packet is read. */
  bytes(): Buffer {
    const length = this.uint32();
    const start = this.#skip(length);
    return this.#data.subarray(start, start + length);
  }

  /** A path or a name: one character a byte. */
  text(): string {
    return this.bytes().toString('latin1');
  }

  attributes(): Attributes {
    const flags = this.uint32();
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const found: Attributes = {
      ...(has(attribute.size) ? { size: this.uint64() } : {}),
      ...(has(attribute.owner) ? { owner: { uid: this.uint32(), gid: this.uint32() } } : {}),
      ...(has(attribute.permissions) ? { permissions: this.uint32() } : {}),
      ...(has(attribute.times) ? { times: { atime: this.uint32(), mtime: this.uint32() } } : {}),
    };
    if (has(attribute.extended)) for (let count = 2 * this.uint32(); count > 0; count -= 1) this.bytes();
    return found;
  }

  #skip(count: number): number {
    const start = this.#at;
    if (start + count > this.#data.length) throw new BadPacket('a packet ends in the middle of a field');
    this.#at = start + count;
    return start;
  }
}
