import { constants, createReadStream } from 'node:fs';
import { lchown, lstat, mkdir, open, readlink, realpath } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { Owner } from '../host/userNamespace.ts';

const MAX_LINKS = 40;
const MAX_FILE = 4 * 1024 * 1024;
/** Finds a file without opening it; Node has no name for it. */
const O_PATH = 0o10000000;

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
 * Reads a small file inside a root filesystem that a container may be changing meanwhile: what was found must really lie
 * inside, and is looked at before it is opened, for opening a device may already do something. `undefined` if there is no such
 * regular file.
 */
export async function readInside(rootfs: string, path: string): Promise<string | undefined> {
  const resolved = await resolveInside(rootfs, path);
  try {
    const found = await open(resolved, O_PATH | constants.O_NOFOLLOW);
    try {
      const info = await found.stat();
      const self = `/proc/self/fd/${found.fd}`;
      const inside = (await readlink(self)).startsWith(`${await realpath(rootfs)}/`);
      return inside && info.isFile() && info.size <= MAX_FILE ? await readStart(self) : undefined;
    } finally {
      await found.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** At most MAX_FILE bytes, however fast the file grows. */
async function readStart(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_FILE - 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Makes a folder inside a root filesystem, with its parents, where `owner` is given for them; returns its host path. */
export async function mkdirInside(rootfs: string, path: string, owner?: Owner): Promise<string> {
  const resolved = await resolveInside(rootfs, path);
  if (resolved === rootfs) return resolved;
  const first = await mkdir(resolved, { recursive: true, mode: 0o755 });
  if (first === undefined || !owner) return resolved;
  for (let made = resolved; made.length >= first.length; made = dirname(made)) await lchown(made, owner.uid, owner.gid);
  return resolved;
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
