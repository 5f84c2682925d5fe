import { mkdir, open } from 'node:fs/promises';
import { run } from '../../host/process.ts';
import { readTree } from '../context/tree.ts';
import { compressionOf, isTar, tarFlags } from './archive.ts';
import type { SelectedSource } from './selectSources.ts';

/** What an archive (plain, gzip, bzip2, xz or zstd tar) holds, unpacked at `folder`; undefined if the source is none. */
export async function unpackArchive(source: SelectedSource, folder: string, signal: AbortSignal): Promise<SelectedSource | undefined> {
  const [file] = source.entries;
  if (file?.type !== 'file') return undefined;
  const flags = await archiveFlags(file.location, signal);
  if (!flags) return undefined;
  await mkdir(folder, { mode: 0o755 });
  await run('tar', ['-x', ...flags, '-p', '--same-owner', '--numeric-owner', '-f', file.location, '-C', folder], { signal });
  return { name: source.name, entries: await readTree(folder, '') };
}

async function archiveFlags(path: string, signal: AbortSignal): Promise<string[] | undefined> {
  const head = Buffer.alloc(512);
  const file = await open(path, 'r');
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  if (isTar(head)) return [];
  const compression = compressionOf(head);
  if (!compression) return undefined;
  const flags = tarFlags(compression);
  // A compressed file need not be an archive: then it is copied as it is.
  const { status } = await run('tar', ['-t', ...flags, '-f', path], { signal, okStatus: 'any' });
  return status === 0 ? flags : undefined;
}
