import { closeSync, fstatSync, readdirSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { InsideRoot } from '../insideRoot.ts';
import { openFile } from '../sftp/openFile.ts';
import { openFlag } from '../sftp/protocol.ts';
import { messageOf } from './sink.ts';
import type { ScpWire } from './wire.ts';

const PIECE = 128 * 1024;

export interface SourceOptions {
  readonly recursive: boolean;
  readonly preserve: boolean;
}

/** `scp -f`: sends files to the other side. */
export function scpSource(inside: InsideRoot, wire: ScpWire, paths: readonly string[], options: SourceOptions): void {
  if (!wire.answer()) return;
  for (const path of paths) sendPath(inside, wire, path, options);
}

function sendPath(inside: InsideRoot, wire: ScpWire, path: string, options: SourceOptions): void {
  try {
    using place = inside.find(path, true);
    if (place.stats?.isDirectory() === true && options.recursive) return sendFolder(inside, wire, path, place.stats, readdirSync(place.object, { encoding: 'latin1' }), options);
    if (place.stats?.isDirectory() === true) return wire.refuse(`${path}: not a regular file`);
  } catch (error) {
    return wire.refuse(`${path}: ${messageOf(error)}`);
  }
  sendFile(inside, wire, path, options);
}

function sendFolder(inside: InsideRoot, wire: ScpWire, path: string, stats: Stats, names: readonly string[], options: SourceOptions): void {
  if (options.preserve && !sendTimes(wire, stats)) return;
  wire.line(`D${octal(stats.mode)} 0 ${lastPart(path)}`);
  if (!wire.answer()) return;
  for (const name of names) sendPath(inside, wire, `${path}/${name}`, options);
  wire.line('E');
  wire.answer();
}

function sendFile(inside: InsideRoot, wire: ScpWire, path: string, options: SourceOptions): void {
  let fd: number;
  try {
    fd = openFile(inside, path, openFlag.read, 0);
  } catch (error) {
    return wire.refuse(`${path}: ${messageOf(error)}`);
  }
  try {
    const stats = fstatSync(fd);
    if (options.preserve && !sendTimes(wire, stats)) return;
    wire.line(`C${octal(stats.mode)} ${stats.size} ${lastPart(path)}`);
    if (!wire.answer()) return;
    sendContent(fd, wire, stats.size);
    wire.ok();
    wire.answer();
  } finally {
    closeSync(fd);
  }
}

/** Exactly as much as was announced: a file that has become shorter meanwhile is filled up, as scp does it. */
function sendContent(fd: number, wire: ScpWire, size: number): void {
  const room = Buffer.alloc(PIECE);
  for (let left = size; left > 0; ) {
    const wanted = Math.min(left, PIECE);
    const count = readSync(fd, room, 0, wanted, null);
    if (count === 0) room.fill(0);
    wire.write(room.subarray(0, count === 0 ? wanted : count));
    left -= count === 0 ? wanted : count;
  }
}

function sendTimes(wire: ScpWire, stats: Stats): boolean {
  wire.line(`T${Math.floor(stats.mtimeMs / 1000)} 0 ${Math.floor(stats.atimeMs / 1000)} 0`);
  return wire.answer();
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function lastPart(path: string): string {
  return path.split('/').filter((part) => part !== '').at(-1) ?? '/';
}
