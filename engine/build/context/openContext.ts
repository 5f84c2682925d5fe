import { once } from 'node:events';
import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asBerthError, hostCommandFailed, systemCode } from '../../base/errors.ts';
import { start, startFailure } from '../../host/process.ts';
import type { StatCache } from '../cache/statCache.ts';
import { compressionOf, tarFlags } from '../copy/archive.ts';
import type { SourceTree } from '../copy/selectSources.ts';
import { contextInvalid, dockerfileNotFound } from '../errors.ts';
import type { TempFolder } from '../temp.ts';
import { fileDigest } from './fileDigest.ts';
import { IgnoreRules } from './ignore.ts';
import { resolveInRoot } from './resolveInRoot.ts';

/** What a build may copy from: a folder of this host, or an archive that a client sends. */
export type ContextSource = { readonly kind: 'directory'; readonly path: string } | { readonly kind: 'tar'; readonly stream: NodeJS.ReadableStream };

export interface OpenedContext {
  readonly tree: SourceTree;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** Keeps for the next build what was learnt about the files. */
  close(): Promise<void>;
}

/** Makes the context readable and reads the Dockerfile. `temp` takes an archive's files. Throws BUILD_CONTEXT_INVALID, DOCKERFILE_NOT_FOUND. */
export async function openContext(source: ContextSource, dockerfile: string, deps: { temp: TempFolder; statCache: StatCache; signal: AbortSignal }): Promise<OpenedContext> {
  return source.kind === 'directory' ? openFolder(source.path, dockerfile, deps.statCache) : openArchive(source.stream, dockerfile, deps);
}

async function openFolder(path: string, dockerfile: string, statCache: StatCache): Promise<OpenedContext> {
  const root = await realpath(path).catch((error: unknown) => {
    throw contextInvalid({ detail: systemCode(error) === 'ENOENT' ? `${path} does not exist` : String(error) }, { cause: error });
  });
  if (!(await stat(root)).isDirectory()) throw contextInvalid({ detail: `${path} is not a directory` });
  const file = isAbsolute(dockerfile) ? dockerfile : resolve(root, dockerfile);
  const text = await readText(file, dockerfile);
  const rules = await readRules([`${file}.dockerignore`, join(root, '.dockerignore')]);
  const digests = await statCache.open(root);
  const tree: SourceTree = { root, ...(rules ? { filter: rules } : {}), digest: (entry, signal) => digests.digest(entry.rootPath, entry.location, entry.stats, signal) };
  const name = relative(root, file);
  return { tree, dockerfile: { text, name: name.startsWith('..') ? file : name }, close: () => statCache.save(digests) };
}

async function openArchive(stream: NodeJS.ReadableStream, dockerfile: string, deps: { temp: TempFolder; signal: AbortSignal }): Promise<OpenedContext> {
  const root = join(deps.temp.path, 'context');
  await mkdir(root, { mode: 0o755 });
  await unpack(stream, root, deps.signal);
  const inside = async (path: string): Promise<string> => join(root, await resolveInRoot(root, path));
  const text = await readText(await inside(dockerfile), dockerfile);
  const rules = await readRules([await inside(`${dockerfile}.dockerignore`), await inside('.dockerignore')]);
  const tree: SourceTree = { root, ...(rules ? { filter: rules } : {}), digest: (entry, signal) => fileDigest(entry.location, signal) };
  return { tree, dockerfile: { text, name: dockerfile }, close: () => Promise.resolve() };
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') throw dockerfileNotFound({ path: shown }, { cause: error });
    throw error;
  }
}

async function readRules(candidates: readonly string[]): Promise<IgnoreRules | undefined> {
  for (const path of candidates) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const rules = new IgnoreRules(text, path.endsWith('/.dockerignore') ? '.dockerignore' : 'the .dockerignore of the Dockerfile');
    return rules.isEmpty ? undefined : rules;
  }
  return undefined;
}

/** GNU tar refuses names outside the folder and makes links last, so nothing is written through them. */
async function unpack(stream: NodeJS.ReadableStream, root: string, signal: AbortSignal): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  const head = await readHead(chunks, signal);
  const child = start('tar', ['-x', ...tarFlags(compressionOf(head)), '-p', '--no-same-owner', '-f', '-', '-C', root], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = new Promise<number>((done, fail) => {
    child.once('error', (error) => fail(startFailure('tar', error)));
    child.once('close', (code) => done(code ?? 1));
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  const body = async function* (): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield Buffer.from(next.value);
  };
  const fed = child.stdin ? pipeline(body, child.stdin, { signal }).catch((error: unknown) => error) : Promise.resolve(undefined);
  const [status, failure] = await Promise.all([ended, fed]);
  signal.throwIfAborted();
  if (status !== 0) throw contextInvalid({ detail: stderr.trim() || 'it is no tar archive' }, { cause: hostCommandFailed({ command: 'tar -x', status, stderr: stderr.trim() }) });
  // tar stops reading at the end mark; what padding follows need not arrive.
  if (failure !== undefined && systemCode(failure) !== 'EPIPE') throw asBerthError(failure);
}

async function readHead(chunks: AsyncIterator<string | Buffer>, signal: AbortSignal): Promise<Buffer> {
  let head = Buffer.alloc(0);
  const aborted = signal.aborted ? Promise.reject(signal.reason as Error) : once(signal, 'abort').then(() => Promise.reject(signal.reason as Error));
  aborted.catch(() => undefined);
  while (head.length < 512) {
    const next = await Promise.race([chunks.next(), aborted]);
    if (next.done) break;
    head = Buffer.concat([head, Buffer.from(next.value)]);
  }
  if (head.length === 0) throw contextInvalid({ detail: 'the request has no body' });
  return head;
}
