import { constants, openSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { systemError } from '../insideRoot.ts';
import type { InsideRoot } from '../insideRoot.ts';
import { openFlag } from './protocol.ts';

const CREATE_ATTEMPTS = 5;

/** null, zero, full, random, urandom: the devices that every container has, by minor number below major 1. */
const HARMLESS = new Set([3, 5, 7, 8, 9]);

/** Opens a file as SFTP's flags say. Only regular files: opening anything else may already do something, or never return. */
export function openFile(inside: InsideRoot, path: string, pflags: number, mode: number): number {
  const flags = systemFlags(pflags);
  for (let attempt = 0; attempt < CREATE_ATTEMPTS; attempt += 1) {
    using place = inside.find(path, (pflags & openFlag.exclusive) === 0);
    if (place.stats) {
      if ((pflags & openFlag.create) !== 0 && (pflags & openFlag.exclusive) !== 0) throw systemError('EEXIST', path);
      assertOpenable(place.stats, path);
      return openSync(place.object, flags);
    }
    if ((pflags & openFlag.create) === 0) throw systemError('ENOENT', path);
    try {
      return openSync(place.entry, flags | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
    } catch (error) {
      // Made by another meanwhile: look again.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
  throw systemError('EEXIST', path);
}

function systemFlags(pflags: number): number {
  const write = (pflags & openFlag.write) !== 0;
  const access = write ? ((pflags & openFlag.read) !== 0 ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  return access | constants.O_NONBLOCK | (pflags & openFlag.append ? constants.O_APPEND : 0) | (pflags & openFlag.truncate ? constants.O_TRUNC : 0);
}

function assertOpenable(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw systemError('EISDIR', path);
  if (stats.isCharacterDevice() && stats.rdev >> 8 === 1 && HARMLESS.has(stats.rdev & 0xff)) return;
  throw systemError('EACCES', path);
}
