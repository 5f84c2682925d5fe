import { readSync, writeSync } from 'node:fs';

const ROOM = 256 * 1024;
const MAX_LINE = 8192;

/** The other side has said that it cannot go on, or has gone. */
export class ScpEnded extends Error {
  override readonly name = 'ScpEnded';
}

/** The bytes of scp's old protocol: lines, data, and one byte for yes or no after each. */
export class ScpWire {
  readonly #input: number;
  readonly #output: number;
  readonly #room = Buffer.allocUnsafeSlow(ROOM);
  #start = 0;
  #end = 0;
  /** Whether something was refused on the way: then the program's status is 1. */
  failed = false;

  constructor(input: number, output: number) {
    this.#input = input;
    this.#output = output;
  }

  ok(): void {
    this.write(Buffer.from([0]));
  }

  /** Says to people what went wrong; the transfer goes on with the next file. */
  refuse(message: string): void {
    this.failed = true;
    this.write(Buffer.from(`\x01scp: ${message}\n`, 'latin1'));
  }

  line(text: string): void {
    this.write(Buffer.from(`${text}\n`, 'latin1'));
  }

  write(data: Buffer): void {
    for (let at = 0; at < data.length; ) at += writeSync(this.#output, data, at, data.length - at);
  }

  /** A control line of the other side; `undefined` at its end. Throws ScpEnded when it gives up. */
  readLine(): string | undefined {
    const bytes: number[] = [];
    for (let byte = this.#byte(); byte !== 0x0a; byte = this.#byte()) {
      if (byte === undefined) return undefined;
      if (bytes.length === 0 && byte === 0) continue; // a yes that nobody waited for
      bytes.push(byte);
      if (bytes.length > MAX_LINE) throw new ScpEnded('too long a line');
    }
    const [first] = bytes;
    if (first === 1 || first === 2) this.failed = true;
    if (first === 2) throw new ScpEnded('the other side gave up');
    return Buffer.from(bytes).toString('latin1');
  }

  /** The other side's answer: false when it refuses, which it has told its own user. Throws ScpEnded. */
  answer(): boolean {
    const byte = this.#byte();
    if (byte === 0) return true;
    const message = this.readLine();
    if (byte !== 1 || message === undefined) throw new ScpEnded('the other side gave up');
    this.failed = true;
    return false;
  }

  /** The next bytes, at most `limit`. Throws ScpEnded where there are none. */
  data(limit: number): Buffer {
    if (!this.#fill()) throw new ScpEnded('the data ends too early');
    const end = Math.min(this.#end, this.#start + limit);
    const chunk = this.#room.subarray(this.#start, end);
    this.#start = end;
    return chunk;
  }

  #byte(): number | undefined {
    return this.#fill() ? this.#room[this.#start++] : undefined;
  }

  #fill(): boolean {
    if (this.#start < this.#end) return true;
    this.#start = 0;
    this.#end = readSync(this.#input, this.#room, 0, ROOM, null);
    return this.#end > 0;
  }
}
