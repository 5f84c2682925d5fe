import { lstat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import type { Container } from './container.ts';
import { resolveInside } from './rootfs.ts';

/*
 * A container whose first process is systemd gets what systemd cannot do without: a control group that it may write (a namespace of its own, in which it is
 * the root), file systems in memory at /run and /run/lock, the variable `container`, and the signal that it takes as an order to shut down. Nothing has to be
 * asked for, as with podman; unlike there, it is the program that counts, not its name, so other programs at /sbin/init are not touched.
 */

export const SYSTEMD_STOP_SIGNAL = 'SIGRTMIN+3';

/** Names by which systemd is started; only these are looked at. */
const NAMES = new Set(['init', 'systemd']);
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Whether a container's first process is systemd: its program, links followed inside the mounted root, is one of that name. */
export async function startsSystemd({ record, paths }: Pick<Container, 'record' | 'paths'>): Promise<boolean> {
  const [program = ''] = record.args;
  if (record.hostConfig.Init || !NAMES.has(basename(program))) return false;
  const places = program.includes('/') ? [posix.resolve(record.config.WorkingDir || '/', program)] : FOLDERS.map((folder) => `${folder}/${program}`);
  for (const place of places) {
    const found = await resolveInside(paths.rootfs, place).catch(() => undefined);
    if (found !== undefined && (await isFile(found))) return basename(found) === 'systemd';
  }
  return false;
}

/** The signal that asks a container's first process to end. */
export function stopSignal({ record, state }: Pick<Container, 'record' | 'state'>): string {
  return record.config.StopSignal || (state.systemd ? SYSTEMD_STOP_SIGNAL : 'SIGTERM');
}

function isFile(path: string): Promise<boolean> {
  return lstat(path).then((info) => info.isFile(), () => false);
}
