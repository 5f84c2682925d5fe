import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { systemCode } from '../base/errors.ts';

/**
 * The lowest layer of every root filesystem: the mount points that an image may lack. Whatever the image has of them counts in
 * their place; so the OCI runtime never makes one in the upper directory, which holds changes only.
 */
export async function makeSkeleton(folder: string): Promise<void> {
  await makeMountPoints(folder, usualPlaces);
}

/** What is mounted in every container. */
export const usualPlaces: readonly MountPlace[] = [...['/dev', '/proc', '/sys'].map((destination) => ({ destination, file: false })), ...['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'].map((destination) => ({ destination, file: true }))];

export interface MountPlace {
  readonly destination: string;
  /** A file is mounted there, not a folder. */
  readonly file: boolean;
}

/** Makes a layer of mount points. A place inside another one is that mount's matter. */
export async function makeMountPoints(folder: string, places: readonly MountPlace[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const { destination, file } of places) {
    const path = join(folder, posix.normalize(destination));
    await mkdir(file ? dirname(path) : path, { recursive: true, mode: 0o755 });
    if (file) await writeFile(path, '', { mode: 0o644, flag: 'a' });
  }
}

/** Whether the source of a bind is anything but a folder. */
export async function isFile(source: string): Promise<boolean> {
  try {
    return !(await stat(source)).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
