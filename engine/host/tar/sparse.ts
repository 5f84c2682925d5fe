import { Buffer } from 'node:buffer';
import type { ByteReader } from './byteReader.ts';
import { BLOCK } from './entry.ts';
import type { Segment, TarEntry } from './entry.ts';
import { archiveInvalid, archiveUnsupported } from './errors.ts';
import { numeric, parsePax } from './header.ts';
import { shownPath } from './shownPath.ts';

/*
 * Sparse files as GNU tar writes them. Each has a map: which bytes of the file the archive has, one run after the other. Where the map is:
 * old GNU: in the header (type S) and in blocks after it; PAX 0.0: in pairs of records; PAX 0.1: in one record; PAX 1.0: before the data.
 */

/** Runs that a map may have: each costs memory, and in the old form nothing else says how many there will be. */
const MOST_SEGMENTS = 200_000;
const SPARSE = 'GNU.sparse.';
const MAP = `${SPARSE}map`;
/** In the header of the old form: four places for runs, whether there are more, and the file's true size. */
const OLD = { runs: 386, count: 4, more: 482, size: 483 };
/** In the blocks that follow it. */
const OLD_MORE = { runs: 0, count: 21, more: 504 };
const OLD_RUN = 24;
const GNU_MAGIC = 'ustar ';

/** Where a map is read from that is not in the headers; `raw` gets its blocks. */
interface Source {
  readonly reader: Pick<ByteReader, 'exactly'>;
  readonly raw: Buffer[];
}

/** Adds the records of a PAX header to those there are. The pairs of records of form 0.0, which come again and again, become the one record of form 0.1. */
export function collectPax(body: Buffer, records: Map<string, Buffer>): void {
  const pairs: Buffer[] = [];
  for (const [key, value] of parsePax(body)) {
    if (key === `${SPARSE}offset` || key === `${SPARSE}numbytes`) {
      if ((pairs.length % 2 === 0) !== (key === `${SPARSE}offset`)) throw archiveInvalid({ detail: 'the map of a sparse file is not made of pairs' });
      pairs.push(value);
    } else records.set(key, value);
  }
  if (pairs.length > 0) records.set(MAP, Buffer.from(pairs.map((value) => value.toString('latin1')).join(',')));
}

export function isSparse(block: Buffer, pax: ReadonlyMap<string, Buffer>): boolean {
  if (block[156] === 0x53) return true;
  for (const key of pax.keys()) if (key.startsWith(SPARSE)) return true;
  return false;
}

/** The entry of a sparse file with its true size and its map. `entry.size`: bytes that the archive has of it. Throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED. */
export async function sparseEntry(entry: TarEntry, block: Buffer, pax: ReadonlyMap<string, Buffer>, source: Source): Promise<TarEntry> {
  if (entry.type !== 'file') throw mapInvalid(entry, 'belongs to something that is no file');
  const { size, numbers, stored } = block[156] === 0x53 ? await oldMap(entry, block, source) : await paxMap(entry, pax, source);
  return { ...entry, size, segments: segmentsOf(entry, size, numbers, stored) };
}

/** `numbers`: where a run begins and how long it is, in turn. */
interface SparseMap {
  readonly size: number;
  readonly numbers: readonly number[];
  readonly stored: number;
}

async function oldMap(entry: TarEntry, block: Buffer, { reader, raw }: Source): Promise<SparseMap> {
  if (block.toString('latin1', 257, 263) !== GNU_MAGIC) throw archiveUnsupported({ path: shownPath(entry.path), detail: 'is a sparse file in a form that is not GNU tar’s' });
  const numbers = runsIn(block, OLD);
  let more = block[OLD.more] !== 0;
  for (let blocks = 1; more; blocks += 1) {
    if (blocks * OLD_MORE.count > MOST_SEGMENTS) throw tooMany(entry);
    const next = await blockOf(entry, reader, raw);
    numbers.push(...runsIn(next, OLD_MORE));
    more = next[OLD_MORE.more] !== 0;
  }
  return { size: numeric(block, OLD.size, 12), numbers, stored: entry.size };
}

/** The first place that is empty is the last. */
function runsIn(block: Buffer, { runs, count }: { readonly runs: number; readonly count: number }): number[] {
  const numbers: number[] = [];
  for (let at = runs; at < runs + count * OLD_RUN && block[at] !== 0; at += OLD_RUN) numbers.push(numeric(block, at, 12), numeric(block, at + 12, 12));
  return numbers;
}

async function paxMap(entry: TarEntry, pax: ReadonlyMap<string, Buffer>, source: Source): Promise<SparseMap> {
  const record = (key: string): string | undefined => pax.get(SPARSE + key)?.toString('latin1');
  const form = `${record('major') ?? '0'}.${record('minor') ?? '0'}`;
  if (!['0.0', '0.1', '1.0'].includes(form)) throw archiveUnsupported({ path: shownPath(entry.path), detail: `is a sparse file in form ${form}, which is not known` });
  const size = decimal(entry, record('realsize') ?? record('size') ?? '');
  if (form === '1.0') return { size, ...(await mapBeforeData(entry, source)) };
  const text = record('map') ?? '';
  const numbers = text === '' ? [] : text.split(',').map((number) => decimal(entry, number));
  if (numbers.length !== 2 * decimal(entry, record('numblocks') ?? '')) throw mapInvalid(entry, 'has another number of runs than it says');
  return { size, numbers, stored: entry.size };
}

/** Lines of a number each: how many runs there are, then the runs; filled up to whole blocks. */
async function mapBeforeData(entry: TarEntry, { reader, raw }: Source): Promise<Omit<SparseMap, 'size'>> {
  const numbers: number[] = [];
  let stored = entry.size;
  let wanted = 1;
  for (let rest = ''; numbers.length < wanted; stored -= BLOCK) {
    if (stored < BLOCK) throw mapInvalid(entry, 'is longer than what the archive has of the file');
    const lines = (rest + (await blockOf(entry, reader, raw)).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (numbers.length < wanted && numbers.push(decimal(entry, line)) === 1) wanted += 2 * (numbers[0] ?? 0);
    if (wanted > 2 * MOST_SEGMENTS) throw tooMany(entry);
    if (numbers.length < wanted && rest !== '') decimal(entry, rest);
  }
  return { numbers: numbers.slice(1), stored };
}

async function blockOf(entry: TarEntry, reader: Source['reader'], raw: Buffer[]): Promise<Buffer> {
  const block = await reader.exactly(BLOCK);
  if (!block) throw mapInvalid(entry, 'is cut off');
  raw.push(block);
  return block;
}

/** Runs in order, none in another or beyond the file's end, together as long as what the archive has. */
function segmentsOf(entry: TarEntry, size: number, numbers: readonly number[], stored: number): Segment[] {
  if (numbers.length > 2 * MOST_SEGMENTS) throw tooMany(entry);
  const segments: Segment[] = [];
  let end = 0;
  let sum = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const at = numbers[index] ?? -1;
    const length = numbers[index + 1] ?? -1;
    if (!Number.isSafeInteger(at) || !Number.isSafeInteger(length) || length < 0) throw mapInvalid(entry, 'has something that is no number');
    if (at < end) throw mapInvalid(entry, 'has runs that lie in one another or out of order');
    end = at + length;
    sum += length;
    if (length > 0) segments.push({ at, length });
  }
  if (!Number.isSafeInteger(size) || size < 0 || end > size) throw mapInvalid(entry, 'leads beyond the end of the file');
  if (sum !== stored) throw mapInvalid(entry, `is of ${sum} bytes, the archive has ${stored}`);
  return segments;
}

function decimal(entry: TarEntry, text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw mapInvalid(entry, 'has something that is no number');
  return Number(text);
}

function mapInvalid({ path }: TarEntry, detail: string): Error {
  return archiveInvalid({ detail: `the map of the sparse file "${shownPath(path)}" ${detail}` });
}

function tooMany({ path }: TarEntry): Error {
  return archiveUnsupported({ path: shownPath(path), detail: `is a sparse file of more than ${MOST_SEGMENTS} runs` });
}
