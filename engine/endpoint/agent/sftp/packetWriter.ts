import { writeSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { attribute, reply, status } from './protocol.ts';

export interface NamedEntry {
  /** One character a byte. */
  readonly name: string;
  /** As `ls -l` would print it. */
  readonly long: string;
  readonly stats: Stats | undefined;
}

const MESSAGES: Readonly<Record<number, string>> = {
  [status.ok]: 'Success',
  [status.eof]: 'End of file',
  [status.noSuchFile]: 'No such file',
  [status.permissionDenied]: 'Permission denied',
  [status.failure]: 'Failure',
  [status.badMessage]: 'Bad message',
  [status.unsupported]: 'Operation unsupported',
};

/** Writes answers to a file descriptor; each returns once the reader has taken it, which is all the flow control there is. */
export class PacketWriter {
  readonly #fd: number;
  #room = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  version(extensions: ReadonlyArray<readonly [string, string]>): void {
    this.#send(Buffer.concat([Buffer.from([reply.version]), uint32(3), ...extensions.flatMap(([name, value]) => [text(name), text(value)])]));
  }

  status(id: number, code: number, message = MESSAGES[code] ?? 'Failure'): void {
    this.#answer(reply.status, id, [uint32(code), text(message), text('')]);
  }

  handle(id: number, handle: number): void {
    this.#answer(reply.handle, id, [uint32(4), uint32(handle)]);
  }

  attributes(id: number, stats: Stats): void {
    this.#answer(reply.attrs, id, [attributesOf(stats)]);
  }

  names(id: number, entries: readonly NamedEntry[]): void {
    this.#answer(reply.name, id, [uint32(entries.length), ...entries.flatMap(({ name, long, stats }) => [text(name), text(long), stats ? attributesOf(stats) : uint32(0)])]);
  }

  extended(id: number, fields: readonly Buffer[]): void {
    this.#answer(reply.extended, id, fields);
  }

  /** Sends what `fill` puts into a buffer of `length` bytes; nothing put in is the end of the file. */
  data(id: number, length: number, fill: (into: Buffer) => number): void {
    const packet = this.#roomFor(13 + length);
    const count = fill(packet.subarray(13, 13 + length));
    if (count === 0) return this.status(id, status.eof);
    packet.writeUInt32BE(9 + count, 0);
    packet.writeUInt8(reply.data, 4);
    packet.writeUInt32BE(id, 5);
    packet.writeUInt32BE(count, 9);
    writeAll(this.#fd, packet.subarray(0, 13 + count));
  }

  #roomFor(size: number): Buffer {
    if (this.#room.length < size) this.#room = Buffer.allocUnsafeSlow(size);
    return this.#room;
  }

  #answer(kind: number, id: number, fields: readonly Buffer[]): void {
    this.#send(Buffer.concat([Buffer.from([kind]), uint32(id), ...fields]));
  }

  #send(packet: Buffer): void {
    writeAll(this.#fd, Buffer.concat([uint32(packet.length), packet]));
  }
}

export function uint32(value: number): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32BE(value >>> 0);
  return field;
}

export function uint64(value: bigint): Buffer {
  const field = Buffer.allocUnsafe(8);
  field.writeBigUInt64BE(BigInt.asUintN(64, value));
  return field;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function attributesOf(stats: Stats): Buffer {
  return Buffer.concat([
    uint32(attribute.size | attribute.owner | attribute.permissions | attribute.times),
    uint64(BigInt(stats.size)),
    ...[stats.uid, stats.gid, stats.mode, seconds(stats.atimeMs), seconds(stats.mtimeMs)].map(uint32),
  ]);
}

function seconds(ms: number): number {
  return Math.min(Math.max(Math.floor(ms / 1000), 0), 0xffffffff);
}

function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at, data.length - at);
}
