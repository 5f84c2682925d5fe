import { Buffer } from 'node:buffer';
import { encodeEntry, paddingOf } from '../../engine/host/tar/entry.ts';
import type { TarEntry, TarType } from '../../engine/host/tar/entry.ts';
import { archivePath } from '../../engine/host/tar/shownPath.ts';

export type Member = Partial<Omit<TarEntry, 'xattrs' | 'size'>> & { readonly path: string; readonly content?: string | Buffer; readonly xattrs?: Readonly<Record<string, string>> };

/** The bytes of one member of an archive. A file unless `type` says otherwise. */
export function member({ content = '', xattrs = {}, ...fields }: Member): Buffer {
  const body = Buffer.from(content);
  const type: TarType = fields.type ?? 'file';
  const entry: TarEntry = {
    linkPath: '',
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: 1_600_000_000,
    deviceMajor: 0,
    deviceMinor: 0,
    ...fields,
    type,
    path: archivePath(fields.path),
    size: body.length,
    xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value, 'latin1')])),
  };
  return Buffer.concat([encodeEntry(entry), body, Buffer.alloc(paddingOf(body.length))]);
}

/** A whole archive of members, or of ready-made bytes. */
export function tarball(members: ReadonlyArray<Member | Buffer>): Buffer {
  return Buffer.concat([...members.map((one) => (Buffer.isBuffer(one) ? one : member(one))), Buffer.alloc(1024)]);
}

/** Bytes as a stream, in pieces of `size`: what splits headers and contents at odd places. */
export async function* inPieces(data: Buffer, size = 700): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

/** A member with some bytes of its header written over, and its checksum right again. */
export function patchedHeader(bytes: Buffer, changes: ReadonlyArray<readonly [at: number, bytes: string | Buffer]>): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, change] of changes) Buffer.from(change as string, 'latin1').copy(copy, at);
  copy.fill(' ', 148, 156);
  copy.write(`${copy.subarray(0, 512).reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

/** A PAX header with these records, which may come more than once. */
export function encodePax(records: ReadonlyArray<readonly [key: string, value: string | number]>): Buffer {
  const body = Buffer.from(records.map(([key, value]) => paxRecord(key, String(value))).join(''));
  const size = `${body.length.toString(8).padStart(11, '0')}\0`;
  return Buffer.concat([patchedHeader(member({ path: 'PaxHeader' }), [[124, size], [156, 'x']]), body, Buffer.alloc(paddingOf(body.length))]);
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return `${length}${rest}`;
}
