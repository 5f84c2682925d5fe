import { syncPeerInvalid } from './errors.ts';

/** What a stream of files says, record by record. A chunk of the stream holds whole records. */
export type ContentRecord =
  | { readonly kind: 'file'; /** Its place in the list that was asked for. */ readonly index: number; /** Milliseconds. */ readonly mtime: number }
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'copy'; readonly block: number; readonly count: number }
  /** `intact` false: the file changed while it was read, or is gone. */
  | { readonly kind: 'close'; readonly intact: boolean };

const CHUNK = 1 << 19;

/** Gathers records to chunks of about half a mebibyte. */
export class ContentWriter {
  #parts: Buffer[] = [];
  #size = 0;

  add(record: ContentRecord): void {
    const head = encodeHead(record);
    this.#parts.push(head);
    this.#size += head.length;
    if (record.kind !== 'data') return;
    // The caller reads the next piece into the same buffer.
    this.#parts.push(Buffer.from(record.data));
    this.#size += record.data.length;
  }

  get isFull(): boolean {
    return this.#size >= CHUNK;
  }

  /** What was gathered; undefined: nothing. */
  take(): Buffer | undefined {
    if (this.#size === 0) return undefined;
    const chunk = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return chunk;
  }
}

function encodeHead(record: ContentRecord): Buffer {
  switch (record.kind) {
    case 'file': {
      const head = Buffer.alloc(13);
      head.writeUInt8(1, 0);
      head.writeUInt32BE(record.index, 1);
      head.writeDoubleBE(record.mtime, 5);
      return head;
    }
    case 'data':
      return numbers(2, record.data.length);
    case 'copy':
      return numbers(3, record.block, record.count);
    case 'close':
      return Buffer.from([4, record.intact ? 1 : 0]);
  }
}

function numbers(kind: number, ...values: number[]): Buffer {
  const head = Buffer.alloc(1 + 4 * values.length);
  head.writeUInt8(kind, 0);
  values.forEach((value, index) => head.writeUInt32BE(value, 1 + 4 * index));
  return head;
}

/** The records of one chunk. Throws SYNC_PEER_INVALID. */
export function* readRecords(chunk: Buffer): Generator<ContentRecord> {
  let at = 0;
  const need = (length: number): void => {
    if (at + length > chunk.length) throw syncPeerInvalid({ what: 'The content of files', detail: 'a record is cut short' });
  };
  while (at < chunk.length) {
    const kind = chunk.readUInt8(at);
    const size = { 1: 13, 2: 5, 3: 9, 4: 2 }[kind];
    if (size === undefined) throw syncPeerInvalid({ what: 'The content of files', detail: `a record is of the unknown kind ${kind}` });
    need(size);
    const first = kind === 4 ? chunk.readUInt8(at + 1) : chunk.readUInt32BE(at + 1);
    if (kind === 1) yield { kind: 'file', index: first, mtime: chunk.readDoubleBE(at + 5) };
    else if (kind === 3) yield { kind: 'copy', block: first, count: chunk.readUInt32BE(at + 5) };
    else if (kind === 4) yield { kind: 'close', intact: first === 1 };
    at += size;
    if (kind !== 2) continue;
    need(first);
    yield { kind: 'data', data: chunk.subarray(at, at + first) };
    at += first;
  }
}
