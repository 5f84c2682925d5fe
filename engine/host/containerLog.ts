/** conmon's log format (k8s-file): `<RFC 3339 time> stdout|stderr F|P <content>`, one record a line; P: the line goes on in the stream's next record. */

export interface LogRecord {
  /** Where the record begins and ends (behind its newline) in the buffer given. */
  readonly start: number;
  readonly end: number;
  readonly timeEnd: number;
  readonly stream: 'stdout' | 'stderr';
  readonly full: boolean;
}

const NEWLINE = 10;
const SPACE = 32;
const LETTER_E = 101;
const LETTER_F = 70;
/** From the space behind the time to the content: ` stdout F `. */
const HEAD = 10;

/** The whole records in a buffer; what follows the last newline is not one yet. Damaged lines are passed over. */
export function* records(buffer: Buffer, from = 0): Generator<LogRecord> {
  for (let start = from; start < buffer.length; ) {
    const end = buffer.indexOf(NEWLINE, start);
    if (end < 0) return;
    const timeEnd = buffer.indexOf(SPACE, start);
    if (timeEnd > start && timeEnd + HEAD <= end) {
      yield { start, end: end + 1, timeEnd, stream: buffer[timeEnd + 4] === LETTER_E ? 'stderr' : 'stdout', full: buffer[timeEnd + 8] === LETTER_F };
    }
    start = end + 1;
  }
}

/** Where the last whole record ends. */
export function endOfRecords(buffer: Buffer): number {
  return buffer.lastIndexOf(NEWLINE) + 1;
}

export interface LogFilter {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly timestamps: boolean;
  /** Milliseconds since 1970; records before `since` and after `until` are left out. */
  readonly since?: number;
  readonly until?: number;
  /** Written before each line, behind its time. */
  readonly details?: string;
}

export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/** Turns records into what the container wrote; keeps between buffers which stream stands in the middle of a line. */
export class LogDecoder {
  readonly #filter: LogFilter;
  readonly #inLine = { stdout: false, stderr: false };
  /** A record later than `until` was seen: nothing more will come. */
  done = false;

  constructor(filter: LogFilter) {
    this.#filter = filter;
  }

  /** The content of the whole records in `buffer`, neighbours of one stream joined. */
  decode(buffer: Buffer): LogPiece[] {
    const pieces: LogPiece[] = [];
    let parts: Buffer[] = [];
    let stream: LogPiece['stream'] = 'stdout';
    for (const record of records(buffer)) {
      if (!this.#wants(buffer, record)) continue;
      if (record.stream !== stream && parts.length > 0) {
        pieces.push({ stream, data: Buffer.concat(parts) });
        parts = [];
      }
      stream = record.stream;
      this.#append(parts, buffer, record);
    }
    if (parts.length > 0) pieces.push({ stream, data: Buffer.concat(parts) });
    return pieces;
  }

  #append(parts: Buffer[], buffer: Buffer, record: LogRecord): void {
    if (this.#filter.timestamps && !this.#inLine[record.stream]) parts.push(Buffer.from(`${dockerTime(time(buffer, record))} `));
    if (this.#filter.details !== undefined && !this.#inLine[record.stream]) parts.push(Buffer.from(`${this.#filter.details} `));
    this.#inLine[record.stream] = !record.full;
    parts.push(buffer.subarray(record.timeEnd + HEAD, record.full ? record.end : record.end - 1));
  }

  #wants(buffer: Buffer, record: LogRecord): boolean {
    if (!this.#filter[record.stream]) return false;
    const { since, until } = this.#filter;
    if (since === undefined && until === undefined) return true;
    const at = milliseconds(time(buffer, record));
    if (until !== undefined && at > until) this.done = true;
    return (since === undefined || at >= since) && (until === undefined || at <= until);
  }
}

type Wanted = Pick<LogFilter, 'stdout' | 'stderr'>;

/** Offset in `buffer` from which the last `count` lines of the wanted streams go to its end; `undefined` if it holds fewer. */
export function tailOffset(buffer: Buffer, from: number, count: number, wanted: Wanted): number | undefined {
  const starts = lineStarts(buffer, from, wanted);
  return starts.length < count ? undefined : (starts[starts.length - count] ?? buffer.length);
}

/** How many lines of the wanted streams a buffer holds. */
export function lineCount(buffer: Buffer, from: number, wanted: Wanted): number {
  return lineStarts(buffer, from, wanted).length;
}

function lineStarts(buffer: Buffer, from: number, wanted: Wanted): number[] {
  const starts: number[] = [];
  const inLine = { stdout: false, stderr: false };
  for (const record of records(buffer, from)) {
    if (!wanted[record.stream]) continue;
    if (!inLine[record.stream]) starts.push(record.start);
    inLine[record.stream] = !record.full;
  }
  return starts;
}

function time(buffer: Buffer, record: LogRecord): string {
  return buffer.toString('latin1', record.start, record.timeEnd);
}

/** conmon writes local time with its offset; Docker shows UTC with a Z, to the nanosecond. */
export function dockerTime(text: string): string {
  const match = /^(.{19})(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return text;
  const [, whole = '', fraction = '', zone = ''] = match;
  if (zone === 'Z' || zone === '+00:00') return `${whole}${fraction}Z`;
  return `${new Date(`${whole}${zone}`).toISOString().slice(0, 19)}${fraction}Z`;
}

/** Milliseconds since 1970, with the fraction that a double can hold (microseconds). */
function milliseconds(text: string): number {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return Date.parse(text.replace(/\.\d+/, '')) + Number(`0.${fraction.padEnd(1, '0')}`) * 1000;
}
