import { Buffer } from 'node:buffer';

export type TarType = 'file' | 'hardlink' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** Bytes of a sparse file that lie together. */
export interface Segment {
  readonly at: number;
  readonly length: number;
}

/** One member of a tar archive, from whatever mix of ustar, GNU and PAX headers described it. */
export interface TarEntry {
  /** As written, without a trailing slash; one character a byte (see shownPath.ts). */
  readonly path: string;
  readonly type: TarType;
  /** Target of a link, as written. */
  readonly linkPath: string;
  /** Bytes of the file; 0 for everything else. */
  readonly size: number;
  /** Of a sparse file: which of its bytes the archive has, one after the other; the others are holes. Absent: all of them. */
  readonly segments?: readonly Segment[];
  /** Permission bits with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970; may have a fraction. */
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes by full name, for instance `security.capability`. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

export const BLOCK = 512;

/** Bytes of content that follow in the archive. */
export function storedSize({ size, segments }: Pick<TarEntry, 'size' | 'segments'>): number {
  return segments ? segments.reduce((sum, { length }) => sum + length, 0) : size;
}

/** Bytes of padding after `size` bytes of content. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

const typeFlags: Readonly<Record<TarType, string>> = { file: '0', hardlink: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' };

/** The header blocks of an entry, whose content follows without holes: ustar, preceded by a PAX header for whatever ustar cannot say. The same entry gives the same bytes. */
export function encodeEntry(entry: TarEntry): Buffer {
  const pax = paxRecords(entry);
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  const main = header({ ...entry, path }, typeFlags[entry.type]);
  if (pax.length === 0) return main;
  const body = Buffer.concat(pax);
  const extended = header({ path: 'PaxHeader', linkPath: '', size: body.length, mode: 0o644, uid: 0, gid: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0 }, 'x');
  return Buffer.concat([extended, body, Buffer.alloc(paddingOf(body.length)), main]);
}

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer): void => void records.push(paxRecord(key, value));
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  if (!fits(path, 100)) add('path', path);
  if (!fits(entry.linkPath, 100)) add('linkpath', entry.linkPath);
  if (entry.size >= 8 ** 11) add('size', String(entry.size));
  if (entry.uid >= 8 ** 7) add('uid', String(entry.uid));
  if (entry.gid >= 8 ** 7) add('gid', String(entry.gid));
  if (entry.mtime < 0 || entry.mtime >= 8 ** 11 || !Number.isInteger(entry.mtime)) add('mtime', String(entry.mtime));
  for (const name of [...entry.xattrs.keys()].sort()) add(`SCHILY.xattr.${name}`, entry.xattrs.get(name) ?? Buffer.alloc(0));
  return records;
}

function fits(text: string, bytes: number): boolean {
  return text.length <= bytes && /^[\x20-\x7e]*$/.test(text);
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), typeof value === 'string' ? Buffer.from(value, 'latin1') : value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (rest.length + String(length).length > length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

type HeaderFields = Omit<TarEntry, 'type' | 'xattrs' | 'segments'>;

function header(fields: HeaderFields, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (value: string, at: number, length: number): void => void block.write(value.slice(0, length), at, 'latin1');
  const octal = (value: number, at: number, length: number): void => {
    const safe = value >= 0 && value < 8 ** (length - 1) ? Math.floor(value) : 0; // the PAX header has the true value
    block.write(safe.toString(8).padStart(length - 1, '0'), at, 'latin1');
  };
  text(fields.path, 0, 100);
  octal(fields.mode & 0o7777, 100, 8);
  octal(fields.uid, 108, 8);
  octal(fields.gid, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.mtime, 136, 12);
  block.fill(' ', 148, 156);
  text(flag, 156, 1);
  text(fields.linkPath, 157, 100);
  block.write('ustar\u000000', 257, 'latin1');
  octal(fields.deviceMajor, 329, 8);
  octal(fields.deviceMinor, 337, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
