import { lstat, readdir } from 'node:fs/promises';
import { normalize } from 'node:path';
import { defineError, systemCode } from '../../base/errors.ts';
import { SELINUX_LABEL } from '../tar/layerRules.ts';

/** Folders of the system, and homes: labelled anew, they would be lost to who they belong to. As with Docker. */
const NOT_THESE = new Set([
  ...['/', '/bin', '/boot', '/dev', '/etc', '/etc/passwd', '/etc/pki', '/etc/shadow', '/home', '/lib', '/lib64', '/media', '/opt', '/proc', '/root', '/run', '/sbin', '/srv'],
  ...['/sys', '/tmp', '/usr', '/var', '/var/lib', '/var/log'],
]);

export const relabelRefused = defineError<{ path: string }>('RELABEL_REFUSED', 400, (p) => `SELinux relabeling of ${p.path} is not allowed: the system would lose it. Mount a folder of your own with :z or :Z, or this one without (--security-opt label=disable lets the container read it).`);

/** Whether a path may be labelled anew for containers. Pure. */
export function mayRelabel(path: string, home: string | undefined): boolean {
  const clean = normalize(path).replace(/(.)\/$/, '$1');
  return !NOT_THESE.has(clean) && clean !== home && !/^\/home\/[^/]+$/.test(clean);
}

/** Gives a file, or a folder with everything below, a label; the folder itself last, so that what was cut short is seen and done again. Links are not followed. Throws RELABEL_REFUSED. */
export async function relabel(path: string, label: string, home = process.env['HOME']): Promise<void> {
  if (!mayRelabel(path, home)) throw relabelRefused({ path });
  await setLabel(path, label);
}

/** The same for what the engine itself has made. */
export async function setLabel(path: string, label: string): Promise<void> {
  const { setAttribute } = await import('#native');
  await labelTree(Buffer.from(path), (one) => setAttribute(one, SELINUX_LABEL, Buffer.from(`${label}\0`)));
}

async function labelTree(path: Buffer, give: (path: Buffer) => void): Promise<void> {
  const info = await lstat(path).catch(gone);
  const names = info?.isDirectory() ? await readdir(path, { encoding: 'buffer' }).catch(gone) : undefined;
  for (const name of names ?? []) await labelTree(Buffer.concat([path, Buffer.from('/'), name]), give);
  try {
    give(path);
  } catch (error) {
    if (!['ENOENT', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) throw error; // gone meanwhile; a file system without labels
  }
}

function gone(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') throw error;
  return undefined;
}
