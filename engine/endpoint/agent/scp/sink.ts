import { closeSync, ftruncateSync, mkdirSync, writeSync } from 'node:fs';
import type { InsideRoot } from '../insideRoot.ts';
import { setAttributes, setFileAttributes } from '../sftp/changes.ts';
import { openFile } from '../sftp/openFile.ts';
import { openFlag } from '../sftp/protocol.ts';
import { ScpEnded } from './wire.ts';
import type { ScpWire } from './wire.ts';

export interface SinkOptions {
  readonly recursive: boolean;
  readonly preserve: boolean;
  /** The target must be a folder. */
  readonly folder: boolean;
}

interface Times {
  readonly atime: number;
  readonly mtime: number;
}

/** `scp -t`: takes files from the other side. */
export function scpSink(inside: InsideRoot, wire: ScpWire, target: string, options: SinkOptions): void {
  if (options.folder && !isFolder(inside, target)) {
    wire.refuse(`${target}: Not a directory`);
    return;
  }
  wire.ok();
  takeInto(inside, wire, target, options);
}

/** Until the end of a folder, or of all. */
function takeInto(inside: InsideRoot, wire: ScpWire, target: string, options: SinkOptions): void {
  let times: Times | undefined;
  for (let line = wire.readLine(); line !== undefined; line = wire.readLine()) {
    if (line.startsWith('\x01')) continue; // told to its user over there
    if (line === 'E') return wire.ok();
    const stamp = /^T(\d+) \d+ (\d+) \d+$/.exec(line);
    if (stamp) {
      times = { mtime: Number(stamp[1]), atime: Number(stamp[2]) };
      wire.ok();
      continue;
    }
    const [, kind, mode = '', size = '', name = ''] = /^([CD])([0-7]{4}) (\d+) (.+)$/.exec(line) ?? [];
    if (kind === undefined || name.includes('/') || name === '.' || name === '..') throw new ScpEnded('a line that is none');
    const path = isFolder(inside, target) ? `${target}/${name}` : target;
    const wanted = { mode: parseInt(mode, 8), times: options.preserve ? times : undefined };
    if (kind === 'D') takeFolder(inside, wire, path, wanted, options);
    else takeFile(inside, wire, path, wanted, Number(size), options);
    times = undefined;
  }
}

interface Wanted {
  readonly mode: number;
  readonly times: Times | undefined;
}

function takeFolder(inside: InsideRoot, wire: ScpWire, path: string, { mode, times }: Wanted, options: SinkOptions): void {
  if (!options.recursive) throw new ScpEnded('a folder without -r');
  try {
    using place = inside.find(path, true);
    // Writable for us until everything is in it.
    if (!place.stats) mkdirSync(place.entry, { mode: mode | 0o700 });
  } catch (error) {
    wire.refuse(`${path}: ${messageOf(error)}`);
    return;
  }
  wire.ok();
  takeInto(inside, wire, path, options);
  setAttributes(inside, path, { ...(options.preserve ? { permissions: mode } : {}), ...(times ? { times } : {}) });
}

function takeFile(inside: InsideRoot, wire: ScpWire, path: string, { mode, times }: Wanted, size: number, options: SinkOptions): void {
  let fd: number;
  try {
    fd = openFile(inside, path, openFlag.write | openFlag.create, mode);
  } catch (error) {
    wire.refuse(`${path}: ${messageOf(error)}`);
    return;
  }
  let problem: string | undefined;
  try {
    wire.ok();
    for (let left = size; left > 0; ) {
      const chunk = wire.data(left);
      left -= chunk.length;
      problem ??= attempt(() => writeAll(fd, chunk)); // what is sent must be read, even if it cannot be kept
    }
    problem ??= attempt(() => ftruncateSync(fd, size));
    if (options.preserve) problem ??= attempt(() => setFileAttributes(fd, { permissions: mode, ...(times ? { times } : {}) }));
  } finally {
    closeSync(fd);
  }
  if (!wire.answer()) return;
  if (problem === undefined) wire.ok();
  else wire.refuse(`${path}: ${problem}`);
}

function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at, data.length - at);
}

function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isFolder(inside: InsideRoot, path: string): boolean {
  try {
    using place = inside.find(path, true);
    return place.stats?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

const words: Readonly<Record<string, string>> = { EACCES: 'Permission denied', EPERM: 'Operation not permitted', ENOENT: 'No such file or directory', ENOTDIR: 'Not a directory', EISDIR: 'Is a directory', ENOSPC: 'No space left on device', EDQUOT: 'Disk quota exceeded', EROFS: 'Read-only file system' };

/** As strerror(3) has it. */
export function messageOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return words[code] ?? (code === '' ? 'failed' : code);
}
