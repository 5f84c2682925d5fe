import { readdir } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hostCommandFailed } from '../base/errors.ts';
import { exitOf } from '../host/ociRuntime.ts';
import { start } from '../host/process.ts';
import { tarFor } from './archive.ts';
import type { Container } from './container.ts';
import { FolderHandle } from './folderHandle.ts';
import type { ContainerParts } from './parts.ts';
import { withRootfs } from './rootfsView.ts';

/** 1: a file changed while it was read. */
const FINE = 1;

/** Writes a container's root filesystem as a tar, without volumes and other mounts, as `docker export` does. */
export async function exportContainer(parts: ContainerParts, container: Container, begin: () => Writable, signal: AbortSignal): Promise<void> {
  await withRootfs(parts, container, async (rootfs) => {
    await using folder = await FolderHandle.open(rootfs);
    const names = await readdir(folder.child('.'));
    const [program, ...before] = tarFor(container);
    const child = start(program, [...before, '-C', '/proc/self/fd/3', '--numeric-owner', '--xattrs', '--format=pax', '--one-file-system', '--warning=no-file-ignored', '-c', '--', ...names.sort()], { stdio: ['ignore', 'pipe', 'pipe', folder.fd], signal });
    const ended = exitOf('tar', child);
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
    if (child.stdout) await pipeline(child.stdout, begin(), { signal });
    const status = await ended;
    if (status > FINE) throw hostCommandFailed({ command: `tar of container ${container.id.slice(0, 12)}`, status, stderr: words });
  });
}
