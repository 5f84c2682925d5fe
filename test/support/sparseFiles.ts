import { Buffer } from 'node:buffer';
import { open, stat } from 'node:fs/promises';
import type { Segment } from '../../engine/host/tar/entry.ts';
import { run } from '../../engine/host/process.ts';
import { encodePax, member, patchedHeader } from './tarball.ts';

/** Options by which GNU tar writes sparse files in each of its forms. */
export const SPARSE_FORMS: Readonly<Record<string, readonly string[]>> = {
  'old GNU': ['--format=gnu'],
  'PAX 0.0': ['--format=pax', '--sparse-version=0.0'],
  'PAX 0.1': ['--format=pax', '--sparse-version=0.1'],
  'PAX 1.0': ['--format=pax', '--sparse-version=1.0'],
};

/** Makes a file of `size` bytes that has nothing but these texts. */
export async function makeSparse(path: string, size: number, texts: ReadonlyArray<readonly [at: number, text: string]>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const [at, text] of texts) await file.write(text, at);
    await file.truncate(size);
  } finally {
    await file.close();
  }
}

/** Bytes that a file takes on disk. */
export async function bytesOnDisk(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

/** What real GNU tar makes of a folder in this form. */
export async function sparseTar(form: string, archive: string, ...args: readonly string[]): Promise<void> {
  await run('tar', ['--create', '--sparse', ...(SPARSE_FORMS[form] ?? []), '--sort=name', `--file=${archive}`, ...args]);
}

/** What a sparse member says of itself, whether or not it is true. */
export interface SparseClaim {
  readonly size: number;
  readonly segments: readonly Segment[];
  readonly data: Buffer;
  /** Runs that the map says it has. */
  readonly count?: number;
}

/** A number as GNU tar has it in twelve bytes: octal, or, where that is too short, two's complement with the first bit set. */
function twelveBytes(value: number): string {
  if (value >= 0 && value < 8 ** 11) return `${value.toString(8).padStart(11, '0')}\0`;
  const bytes = Buffer.alloc(12, value < 0 ? 0xff : 0);
  bytes.writeBigInt64BE(BigInt(value), 4);
  bytes[0] = value < 0 ? 0xff : 0x80;
  return bytes.toString('latin1');
}

/** A sparse member in one of GNU's forms, made here so that it can lie. */
export function sparseMember(form: string, path: string, { size, segments, data, count = segments.length }: SparseClaim): Buffer {
  const pairs = segments.map(({ at, length }) => `${at},${length}`);
  if (form === 'old GNU') return oldMember(path, size, segments, data);
  if (form === 'PAX 0.0') return Buffer.concat([encodePax([['GNU.sparse.size', size], ['GNU.sparse.numblocks', count], ...segments.flatMap(({ at, length }): Array<[string, number]> => [['GNU.sparse.offset', at], ['GNU.sparse.numbytes', length]])]), member({ path, content: data })]);
  if (form === 'PAX 0.1') return Buffer.concat([encodePax([['GNU.sparse.size', size], ['GNU.sparse.numblocks', count], ['GNU.sparse.name', path], ['GNU.sparse.map', pairs.join(',')]]), member({ path: 'GNUSparseFile.1/x', content: data })]);
  const map = Buffer.from([count, ...segments.flatMap(({ at, length }) => [at, length])].map((number) => `${number}\n`).join(''));
  const content = Buffer.concat([map, Buffer.alloc((512 - (map.length % 512)) % 512), data]);
  return Buffer.concat([encodePax([['GNU.sparse.major', 1], ['GNU.sparse.minor', 0], ['GNU.sparse.name', path], ['GNU.sparse.realsize', size]]), member({ path: 'GNUSparseFile.1/x', content })]);
}

function oldMember(path: string, size: number, segments: readonly Segment[], data: Buffer): Buffer {
  const runs = segments.map(({ at, length }) => twelveBytes(at) + twelveBytes(length));
  const first = runs.slice(0, 4).join('');
  const blocks = Array.from({ length: Math.ceil(Math.max(0, runs.length - 4) / 21) }, (_none, index) => {
    const block = Buffer.alloc(512);
    block.write(runs.slice(4 + index * 21, 25 + index * 21).join(''), 0, 'latin1');
    if (runs.length > 25 + index * 21) block[504] = 1;
    return block;
  });
  const whole = patchedHeader(member({ path, content: data }), [[156, 'S'], [257, 'ustar  \0'], [386, first], [482, blocks.length > 0 ? '\x01' : '\0'], [483, twelveBytes(size)]]);
  return Buffer.concat([whole.subarray(0, 512), ...blocks, whole.subarray(512)]);
}
