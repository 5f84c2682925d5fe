import { chmodSync, chownSync, closeSync, fchmodSync, fchownSync, ftruncateSync, futimesSync, lchownSync, linkSync, lutimesSync, openSync, constants, renameSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs';
import { systemError } from '../insideRoot.ts';
import type { InsideRoot } from '../insideRoot.ts';
import type { Attributes } from './packetReader.ts';

const PERMISSIONS = 0o7777;

/** SETSTAT: of what a path leads to. */
export function setAttributes(inside: InsideRoot, path: string, wanted: Attributes): void {
  using place = inside.find(path, true);
  if (wanted.size !== undefined) truncate(place.object, place.stats?.isFile() ?? false, path, wanted.size);
  if (wanted.times) utimesSync(place.object, wanted.times.atime, wanted.times.mtime);
  if (wanted.permissions !== undefined) chmodSync(place.object, wanted.permissions & PERMISSIONS);
  if (wanted.owner) chownSync(place.object, wanted.owner.uid, wanted.owner.gid);
}

/** `lsetstat@openssh.com`: of a link itself. A link has no permissions of its own: they are passed over. */
export function setLinkAttributes(inside: InsideRoot, path: string, wanted: Attributes): void {
  using place = inside.find(path, false);
  if (place.stats && !place.stats.isSymbolicLink()) return setAttributes(inside, path, wanted);
  if (wanted.times) lutimesSync(place.entry, wanted.times.atime, wanted.times.mtime);
  if (wanted.owner) lchownSync(place.entry, wanted.owner.uid, wanted.owner.gid);
}

export function setFileAttributes(fd: number, wanted: Attributes): void {
  if (wanted.size !== undefined) ftruncateSync(fd, Number(wanted.size));
  if (wanted.times) futimesSync(fd, wanted.times.atime, wanted.times.mtime);
  if (wanted.permissions !== undefined) fchmodSync(fd, wanted.permissions & PERMISSIONS);
  if (wanted.owner) fchownSync(fd, wanted.owner.uid, wanted.owner.gid);
}

/** RENAME never replaces: what has the new name stays, and it is an error. */
export function renameNew(inside: InsideRoot, from: string, to: string): void {
  using source = inside.find(from, false);
  using target = inside.find(to, false);
  if (source.stats?.isFile()) {
    // A link fails where something is; a rename would replace it.
    linkSync(source.entry, target.entry);
    unlinkSync(source.entry);
    return;
  }
  if (target.stats) throw systemError('EEXIST', to);
  renameSync(source.entry, target.entry);
}

/** `posix-rename@openssh.com`: replaces. */
export function renameOver(inside: InsideRoot, from: string, to: string): void {
  using source = inside.find(from, false);
  using target = inside.find(to, false);
  renameSync(source.entry, target.entry);
}

export function makeHardLink(inside: InsideRoot, from: string, to: string): void {
  using source = inside.find(from, false);
  using target = inside.find(to, false);
  linkSync(source.entry, target.entry);
}

export function makeLink(inside: InsideRoot, target: string, path: string): void {
  using place = inside.find(path, false);
  symlinkSync(Buffer.from(target, 'latin1'), place.entry);
}

function truncate(object: string, isFile: boolean, path: string, size: bigint): void {
  if (!isFile) throw systemError('EINVAL', path);
  const fd = openSync(object, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    ftruncateSync(fd, Number(size));
  } finally {
    closeSync(fd);
  }
}
