import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hostCommandFailed } from '../base/errors.ts';
import { exitOf } from '../host/ociRuntime.ts';
import { start } from '../host/process.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import type { BuildExport } from './exports.ts';
import { mountReadable } from './overlay.ts';
import { breathe } from './solve/breathe.ts';
import type { TempFolders } from './temp.ts';

export interface TreeOptions {
  /** Without what only root can make, and without rights that a program gives to whoever starts it: for a folder of an ordinary user. */
  readonly plain: boolean;
}

/** Writes the files of a result as a tar: sorted, so that the same files make the same tar. */
export async function exportTree(parts: { readonly temps: TempFolders; readonly snapshots: SnapshotStore }, { layers, epoch }: BuildExport, options: TreeOptions, begin: () => Writable, signal: AbortSignal): Promise<void> {
  await using temp = await parts.temps.create();
  await using view = await mountReadable(temp.path, layers.map(({ snapshotId }) => parts.snapshots.lowerDir(snapshotId)).reverse());
  const names = (await readdir(view.root)).sort();
  const left = options.plain ? await devices(view.root, signal) : [];
  const flags = [
    ...['-C', view.root, '--numeric-owner', '--format=posix', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '--sort=name'],
    ...(options.plain ? ['--mode=ug-s'] : ['--xattrs']),
    ...(epoch === undefined ? [] : [`--mtime=@${epoch}`]),
    ...(left.length === 0 ? [] : ['--anchored', '--no-wildcards', ...left.map((path) => `--exclude=${path}`)]),
  ];
  const out = begin();
  const child = start('tar', [...flags, '-c', ...(names.length === 0 ? ['-T', '/dev/null'] : ['--', ...names])], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const ended = exitOf('tar', child);
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
  try {
    if (child.stdout) await pipeline(child.stdout, out, { signal, end: false });
  } catch (error) {
    child.kill();
    await ended.catch(() => undefined);
    throw error;
  }
  const status = await ended;
  if (status !== 0) throw hostCommandFailed({ command: 'tar of the files of a build', status, stderr: words });
  out.end();
}

/** What only root can make, relative to the root. */
async function devices(root: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    await breathe(signal);
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(below);
      else if (entry.isBlockDevice() || entry.isCharacterDevice() || entry.isSocket()) found.push(below);
    }
  };
  await visit('');
  return found;
}
