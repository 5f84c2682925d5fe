import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Readable as NodeReadable } from 'node:stream';
import { hostCommandFailed } from '../base/errors.ts';
import { start, startFailure } from '../host/process.ts';
import { asRootOf, WITHOUT_LABELS } from '../host/tar/copyTree.ts';
import { decompressed } from '../host/tar/decompress.ts';
import { volumeArchiveInvalid } from './errors.ts';

/** Owners by number, extended attributes, ACLs, holes and hard links; every kind of file but sockets. */
const COMMON = ['--numeric-owner', '--xattrs', '--xattrs-include=*', WITHOUT_LABELS, '--acls', '--sparse'];
const CHANGED = 1; // tar: a file changed while it was read

/** Writes a folder as a tar, its content at the top, with the ids that a user namespace sees (its path; none: this process). */
export async function packFolder(folder: string, out: Writable, signal: AbortSignal, userNamespace: string | undefined): Promise<void> {
  const [program = '', ...before] = [...asRootOf(userNamespace), 'tar'];
  const child = start(program, [...before, '-C', folder, ...COMMON, '--format=posix', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '-c', '.'], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const ended = endOf(child);
  ended.catch(() => undefined);
  if (child.stdout) await pipeline(child.stdout, out, { signal });
  const { status, words } = await ended;
  if (status > CHANGED) throw hostCommandFailed({ command: 'tar', status, stderr: words });
}

/** Fills an empty folder from a tar, compressed or not, with ids as a user namespace has them. tar itself keeps names within the folder. Throws VOLUME_ARCHIVE_INVALID. */
export async function fillFolder(folder: string, archive: Readable, signal: AbortSignal, userNamespace: string | undefined): Promise<void> {
  const [program = '', ...before] = [...asRootOf(userNamespace), 'tar'];
  const child = start(program, [...before, '-C', folder, ...COMMON, '--same-owner', '--same-permissions', '--delay-directory-restore', '-x', '-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], signal });
  const ended = endOf(child);
  ended.catch(() => undefined);
  const source = NodeReadable.from(await decompressed(archive), { objectMode: false });
  const fed = child.stdin ? pipeline(source, child.stdin, { signal }) : Promise.resolve();
  const [feeding, { status, words }] = await Promise.all([fed.then(() => undefined, (error: unknown) => error), ended]);
  if (status !== 0) throw /No space left on device/.test(words) ? hostCommandFailed({ command: 'tar', status, stderr: words }) : volumeArchiveInvalid({ detail: words || `tar ended with ${status}` }, { cause: feeding });
  if (feeding instanceof Error && !('code' in feeding && feeding.code === 'EPIPE')) throw feeding; // tar stops at the end of the archive, whatever follows
}

function endOf(child: ReturnType<typeof start>): Promise<{ readonly status: number; readonly words: string }> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-1000)));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('tar', error)));
    child.once('close', (code) => resolve({ status: code ?? 128, words: words.trim() }));
  });
}
