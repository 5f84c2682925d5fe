import { Buffer } from 'node:buffer';
import { BLOCK } from './entry.ts';
import type { TarEntry, TarType } from './entry.ts';
import { archiveInvalid, archiveUnsupported } from './errors.ts';
import { shownPath } from './shownPath.ts';

/** What came before a header to overrule it. */
export interface Extensions {
  readonly pax: Map<string, Buffer>;
  longName: Buffer | undefined;
  longLink: Buffer | undefined;
}

const types: Readonly<Record<string, TarType>> = { '0': 'file', '\0': 'file', '7': 'file', S: 'file', '1': 'hardlink', '2': 'symlink', '3': 'character', '4': 'block', '5': 'directory', '6': 'fifo' };

/** Whether a block is a header: its checksum says so. */
export function isTarHeader(block: Buffer): boolean {
  const said = Number.parseInt(block.toString('latin1', 148, 156).replaceAll('\0', ' ').trim(), 8);
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index += 1) if (index < 148 || index >= 156) sum += block[index] ?? 0;
  return said === sum;
}

/** The records of a PAX header. */
export function* parsePax(body: Buffer): Generator<[string, Buffer]> {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = Number.parseInt(body.toString('latin1', at, space), 10);
    const equals = body.indexOf(0x3d, space);
    if (space < 0 || !(length > 0) || at + length > body.length || equals < 0 || equals >= at + length) throw archiveInvalid({ detail: 'a PAX record is malformed' });
    yield [body.toString('latin1', space + 1, equals), body.subarray(equals + 1, at + length - 1)];
    at += length;
  }
}

/** One entry from its last header block and what came before it; of a sparse file, `size` is still what the archive has of it. */
export function mergeHeader(block: Buffer, { pax, longName, longLink }: Extensions): TarEntry {
  const flag = String.fromCharCode(block[156] ?? 0);
  const path = cleanPath((pax.get('GNU.sparse.name') ?? pax.get('path'))?.toString('latin1') ?? text(longName) ?? ustarPath(block));
  const type = typeOf(flag, path, block);
  const number = (key: string, at: number, length: number): number => {
    const value = pax.get(key);
    return value === undefined ? numeric(block, at, length) : Number(value.toString('latin1'));
  };
  const size = number('size', 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw archiveInvalid({ detail: `the size of "${shownPath(path)}" is not a number` });
  return {
    path,
    type,
    linkPath: type === 'hardlink' || type === 'symlink' ? (pax.get('linkpath')?.toString('latin1') ?? text(longLink) ?? field(block, 157, 100)) : '',
    size: type === 'file' ? size : 0,
    mode: numeric(block, 100, 8) & 0o7777,
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    mtime: number('mtime', 136, 12),
    deviceMajor: type === 'character' || type === 'block' ? numeric(block, 329, 8) : 0,
    deviceMinor: type === 'character' || type === 'block' ? numeric(block, 337, 8) : 0,
    xattrs: xattrs(pax),
  };
}

function typeOf(flag: string, path: string, block: Buffer): TarType {
  const type = types[flag];
  if (type === undefined) throw archiveUnsupported({ path: shownPath(path), detail: `is of a kind that is not known (type flag ${JSON.stringify(flag)})` });
  // In archives older than POSIX a directory is a file whose name ends with a slash.
  return type === 'file' && field(block, 0, 100).endsWith('/') ? 'directory' : type;
}

function xattrs(pax: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of pax) if (key.startsWith('SCHILY.xattr.')) found.set(key.slice('SCHILY.xattr.'.length), Buffer.from(value));
  return found;
}

function ustarPath(block: Buffer): string {
  const name = field(block, 0, 100);
  const prefix = block.toString('latin1', 257, 262) === 'ustar' && block[262] === 0 ? field(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function cleanPath(path: string): string {
  return path.replace(/\/+$/, '') || (path === '' ? '' : '/');
}

function text(value: Buffer | undefined): string | undefined {
  return value?.toString('latin1').replace(/\0[\s\S]*$/, '');
}

function field(block: Buffer, at: number, length: number): string {
  return text(block.subarray(at, at + length)) ?? '';
}

/** An octal number, or GNU's base-256 form (first bit set). */
export function numeric(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) === 0) {
    const digits = field(block, at, length).trim();
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  let value = first === 0xff ? -1 : first & 0x7f;
  for (let index = at + 1; index < at + length; index += 1) value = value * 256 + (block[index] ?? 0);
  return value;
}
