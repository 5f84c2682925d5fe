import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { OciDevice } from './ociTypes.ts';

/** A device node of this host as it will be in the container at `path`; a folder gives all in it. Empty if `source` is no device. */
export async function hostDevices(source: string, path: string): Promise<OciDevice[]> {
  const info = await stat(source);
  if (info.isCharacterDevice() || info.isBlockDevice()) return [{ path, type: info.isBlockDevice() ? 'b' : 'c', ...deviceNumbers(info.rdev), fileMode: info.mode & 0o777, uid: info.uid, gid: info.gid }];
  if (!info.isDirectory()) return [];
  const names = await readdir(source);
  return (await Promise.all(names.map((name) => hostDevices(join(source, name), join(path, name)).catch(() => [])))).flat();
}

/** Every device of the host, for privileged containers; what a container has of its own is left out. */
export async function allHostDevices(): Promise<OciDevice[]> {
  const own = new Set(['pts', 'shm', 'mqueue', 'fd', 'console', 'ptmx', 'stdin', 'stdout', 'stderr', 'core', 'null', 'zero', 'full', 'tty', 'random', 'urandom']);
  const names = (await readdir('/dev')).filter((name) => !own.has(name));
  return (await Promise.all(names.map((name) => hostDevices(join('/dev', name), join('/dev', name)).catch(() => [])))).flat().filter(({ path }) => !relative('/dev', path).startsWith('..'));
}

/** The kernel's encoding of device numbers in st_rdev. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
