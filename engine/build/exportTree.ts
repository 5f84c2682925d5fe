import { mkdir, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CleanupStack } from '../base/cleanup.ts';
import { badRequest, hostCommandFailed } from '../base/errors.ts';
import { formatPlatform } from '../base/platform.ts';
import { exitOf, start } from '../host/process.ts';
import { WITHOUT_LABELS } from '../host/tar/copyTree.ts';
import type { SnapshotStore } from '../snapshots/types.ts';
import { writeStatements } from './attest/writeStatements.ts';
import type { BuildExport } from './exports.ts';
import { mountReadable } from './overlay.ts';
import type { TempFolders } from './temp.ts';

export interface TreeOptions {
  /** Without what only root can make, and without rights that a program gives to whoever starts it: for a folder of an ordinary user. */
  readonly plain: boolean;
  /** A folder for each platform, `linux_arm64`; default: where there are several. */
  readonly split?: boolean | undefined;
}

interface TreeParts {
  readonly temps: TempFolders;
  readonly snapshots: SnapshotStore;
}

/** Writes the files of a result as a tar, with what is attested beside them: sorted, so that the same files make the same tar. */
export async function exportTree(parts: TreeParts, { trees, epoch }: Pick<BuildExport, 'trees' | 'epoch'>, { plain, split = trees.length > 1 }: TreeOptions, begin: () => Writable, signal: AbortSignal): Promise<void> {
  if (!split && trees.length > 1) throw badRequest({ what: 'platform-split', detail: 'the files of several platforms have the same paths: each needs a folder of its own' });
  await using temp = await parts.temps.create();
  await using views = new CleanupStack();
  const root = join(temp.path, 'trees');
  await mkdir(root);
  for (const [at, tree] of trees.entries()) await mountTree(parts.snapshots, tree, { temp: join(temp.path, String(at)), target: join(root, formatPlatform(tree.platform).replaceAll('/', '_')) }, views, signal);
  const [only = ''] = await readdir(root);
  await writeTar(split ? root : join(root, only), { plain, epoch }, begin, signal);
}

async function mountTree(snapshots: SnapshotStore, { layers, predicates }: BuildExport['trees'][number], { temp, target }: { readonly temp: string; readonly target: string }, views: CleanupStack, signal: AbortSignal): Promise<void> {
  await mkdir(temp);
  const view = await mountReadable(temp, layers.map(({ snapshotId }) => snapshots.lowerDir(snapshotId)).reverse(), target);
  views.defer(async () => view[Symbol.asyncDispose]());
  await writeStatements(view.root, predicates, signal);
}

async function writeTar(root: string, { plain, epoch }: { readonly plain: boolean; readonly epoch: number | undefined }, begin: () => Writable, signal: AbortSignal): Promise<void> {
  const names = (await readdir(root)).sort();
  const left = plain ? await devices(root) : [];
  const flags = [
    ...['-C', root, '--numeric-owner', '--format=posix', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '--sort=name'],
    ...(plain ? ['--mode=ug-s'] : ['--xattrs', WITHOUT_LABELS]),
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

/** What only root can make. */
async function devices(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isBlockDevice() || entry.isCharacterDevice() || entry.isSocket()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
