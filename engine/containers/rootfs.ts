import { constants } from 'node:fs';
import { lstat, mkdir, open, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { systemCode } from '../base/errors.ts';

const MAX_LINKS = 40;
const MAX_FILE = 4 * 1024 * 1024;

/**
 * The host path of a path inside a root filesystem. Symbolic links are followed as a process inside would see them: never out of
 * the root. What does not exist stays as it is written.
 */
export async function resolveInside(rootfs: string, path: string, options: { readonly followLast?: boolean } = {}): Promise<string> {
  let pending = path.split('/').filter((part) => part !== '' && part !== '.');
  let resolved: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const [part = '', ...rest] = pending;
    pending = rest;
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const target = options.followLast === false && rest.length === 0 ? undefined : await linkTarget(join(rootfs, ...resolved, part));
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw Object.assign(new Error(`too many symbolic links in ${path}`), { code: 'ELOOP' });
    if (posix.isAbsolute(target)) resolved = [];
    pending = [...target.split('/').filter((one) => one !== '' && one !== '.'), ...rest];
  }
  return join(rootfs, ...resolved);
}

/**
 * Reads a small file inside a root filesystem that a container may be changing meanwhile: what was opened must really lie
 * inside. `undefined` if there is no such regular file.
 */
export async function readInside(rootfs: string, path: string): Promise<string | undefined> {
  const resolved = await resolveInside(rootfs, path);
  try {
    const file = await open(resolved, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await file.stat();
      const real = await readlink(`/proc/self/fd/${file.fd}`);
      if (!info.isFile() || info.size > MAX_FILE || !real.startsWith(`${rootfs}/`)) return undefined;
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** Makes a folder inside a root filesystem, with its parents; returns its host path. */
export async function mkdirInside(rootfs: string, path: string): Promise<string> {
  const resolved = await resolveInside(rootfs, path);
  if (resolved !== rootfs) await mkdir(resolved, { recursive: true, mode: 0o755 });
  return resolved;
}

/** The parent and name a path inside means, the parent's links followed. */
export async function parentInside(rootfs: string, path: string): Promise<{ readonly parent: string; readonly name: string }> {
  const clean = posix.normalize(`/${path}`);
  return { parent: await resolveInside(rootfs, dirname(clean)), name: posix.basename(clean) };
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
