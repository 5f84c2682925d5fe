import { createHash } from 'node:crypto';

/** What a git index says: a name for it that leaves out the times and inodes that each machine writes anew, and the paths in it. */
export interface GitIndexFacts {
  readonly digest: string;
  readonly paths: readonly string[];
}

const STAT_BYTES = 40;
const FIXED_BYTES = 62;
const EXTENDED = 0x4000;
/** Extensions that say something; the others are caches. */
const SAYING = new Set(['REUC', 'link', 'sdir']);

/** Reads an index (versions 2 to 4, SHA-1). Undefined: it is none that is understood here, and counts by its bytes. */
export function readGitIndex(data: Buffer): GitIndexFacts | undefined {
  if (data.length < 32 || data.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = data.readUInt32BE(4);
  const count = data.readUInt32BE(8);
  if (version < 2 || version > 4) return undefined;
  const sum = createHash('sha256').update(`git index ${version} ${count}\n`);
  const paths: string[] = [];
  let at = 12;
  let name: Buffer = Buffer.alloc(0);
  for (let index = 0; index < count; index++) {
    if (at + FIXED_BYTES > data.length - 20) return undefined;
    const mode = data.subarray(at + 24, at + 28);
    const flags = data.readUInt16BE(at + 60);
    const head = FIXED_BYTES + (version >= 3 && (flags & EXTENDED) !== 0 ? 2 : 0);
    const found = version === 4 ? compressedName(data, at + head, name) : plainName(data, at, head);
    if (found === undefined) return undefined;
    name = found.name;
    sum.update(mode).update(data.subarray(at + STAT_BYTES, at + head)).update(name).update('\0');
    paths.push(name.toString('utf8'));
    at = found.next;
  }
  return addExtensions(data, at, sum) ? { digest: sum.digest('hex'), paths } : undefined;
}

/** Padded with 1 to 8 NULs to a multiple of eight. */
function plainName(data: Buffer, start: number, head: number): { name: Buffer; next: number } | undefined {
  const end = data.indexOf(0, start + head);
  if (end < 0) return undefined;
  const length = end - start;
  return { name: data.subarray(start + head, end), next: start + length + 8 - (length % 8) };
}

/** How much of the name before is dropped, and what is appended. */
function compressedName(data: Buffer, start: number, before: Buffer): { name: Buffer; next: number } | undefined {
  let at = start;
  let byte = data[at++] ?? 0;
  let drop = byte & 0x7f;
  while (byte & 0x80) {
    byte = data[at++] ?? 0;
    drop = ((drop + 1) << 7) | (byte & 0x7f);
  }
  const end = data.indexOf(0, at);
  if (end < 0 || drop > before.length) return undefined;
  return { name: Buffer.concat([before.subarray(0, before.length - drop), data.subarray(at, end)]), next: end + 1 };
}

function addExtensions(data: Buffer, start: number, sum: ReturnType<typeof createHash>): boolean {
  let at = start;
  while (at + 8 <= data.length - 20) {
    const name = data.toString('latin1', at, at + 4);
    const length = data.readUInt32BE(at + 4);
    if (at + 8 + length > data.length - 20) return false;
    if (SAYING.has(name)) sum.update(data.subarray(at, at + 8 + length));
    at += 8 + length;
  }
  return at === data.length - 20;
}

/** Whether a file is a git index, or a version of one that lost its place. */
export function isGitIndex(path: string): boolean {
  return path.endsWith('index') && /(^|\/)\.git\/(berth-conflicts\/[^/]+\/)?index$/.test(path);
}
