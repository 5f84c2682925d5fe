import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asBerthError, hostCommandFailed, systemCode } from '../../base/errors.ts';
import { start, startFailure } from '../../host/process.ts';
import { compressionOf, tarFlags } from '../copy/archive.ts';
import { contextInvalid } from '../errors.ts';
import { peekFiles } from './peekFiles.ts';

const BLOCK = 512;
/** Archives up to this size (bytes) are looked at in memory first. */
const IN_MEMORY = 16 * 1024 * 1024;

export interface OpenedArchive {
  readonly root: string;
  /** Names the archive by content; absent for one too large to hold. */
  readonly digest?: string;
  /** Files of a plain archive by name, without unpacking: `undefined` when that cannot be told. */
  peek(names: readonly string[]): Promise<ReadonlyMap<string, string> | undefined>;
  /** Unpacks the files to `root`; once, however often it is called. */
  unpack(): Promise<void>;
}

/** Receives a build context as an archive. A small one is kept in memory and unpacked only if a step must read its files. */
export async function openArchive(stream: NodeJS.ReadableStream, folder: string, signal: AbortSignal): Promise<OpenedArchive> {
  const root = join(folder, 'context');
  await mkdir(root, { mode: 0o755 });
  const chunks = stream[Symbol.asyncIterator]();
  const { held, ended } = await receive(chunks, signal);
  if (held.length === 0) throw contextInvalid({ detail: 'the request has no body' });
  if (!ended) {
    await unpackTo(root, held, chunks, signal);
    return { root, peek: () => Promise.resolve(undefined), unpack: () => Promise.resolve() };
  }
  let unpacking: Promise<void> | undefined;
  const plain = compressionOf(held) === undefined;
  return {
    root,
    digest: createHash('sha256').update(held).digest('hex'),
    peek: (names) => (plain ? peekFiles(held, names) : Promise.resolve(undefined)),
    unpack: () => (unpacking ??= unpackTo(root, held, chunks, signal)),
  };
}

async function receive(chunks: AsyncIterator<string | Buffer>, signal: AbortSignal): Promise<{ held: Buffer; ended: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  const aborted = signal.aborted ? Promise.reject(signal.reason as Error) : once(signal, 'abort').then(() => Promise.reject(signal.reason as Error));
  aborted.catch(() => undefined);
  while (size < IN_MEMORY) {
    const next = await Promise.race([chunks.next(), aborted]);
    if (next.done) return { held: Buffer.concat(parts), ended: true };
    const part = Buffer.from(next.value);
    parts.push(part);
    size += part.length;
  }
  return { held: Buffer.concat(parts), ended: false };
}

/** GNU tar refuses names outside the folder and makes links last, so nothing is written through them. */
async function unpackTo(root: string, head: Buffer, chunks: AsyncIterator<string | Buffer>, signal: AbortSignal): Promise<void> {
  const child = start('tar', ['-x', ...tarFlags(compressionOf(head)), '-p', '--no-same-owner', '-f', '-', '-C', root], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = new Promise<number>((done, fail) => {
    child.once('error', (error) => fail(startFailure('tar', error)));
    child.once('close', (code) => done(code ?? 1));
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  const compressed = compressionOf(head) !== undefined;
  const body = async function* (): AsyncGenerator<Buffer> {
    let size = head.length;
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      const part = Buffer.from(next.value);
      size += part.length;
      yield part;
    }
    // The docker CLI leaves out the padding of the last file and the end mark when it puts a Dockerfile from stdin into the context.
    if (!compressed) yield Buffer.alloc(BLOCK - (size % BLOCK) + 2 * BLOCK);
  };
  const fed = child.stdin ? pipeline(body, child.stdin, { signal }).catch((error: unknown) => error) : Promise.resolve(undefined);
  const [status, failure] = await Promise.all([ended, fed]);
  signal.throwIfAborted();
  if (status !== 0) throw contextInvalid({ detail: stderr.trim() || 'it is no tar archive' }, { cause: hostCommandFailed({ command: 'tar -x', status, stderr: stderr.trim() }) });
  // tar stops reading at the end mark; what padding follows need not arrive.
  if (failure !== undefined && systemCode(failure) !== 'EPIPE') throw asBerthError(failure);
}
