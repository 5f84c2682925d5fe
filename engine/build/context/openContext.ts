import { mkdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { IgnoreRules } from '../../base/dockerIgnore.ts';
import { systemCode } from '../../base/errors.ts';
import type { StatCache } from '../cache/statCache.ts';
import type { ArchiveContents } from '../cache/archiveContents.ts';
import type { SourceTree } from '../copy/selectSources.ts';
import { checkOut } from '../remote/fetchGit.ts';
import { withoutSecrets } from '../remote/fetchHttp.ts';
import { parseRemote } from '../remote/remoteSource.ts';
import { contextInvalid, dockerfileNotFound } from '../errors.ts';
import type { TempFolder } from '../temp.ts';
import { fileDigest } from './fileDigest.ts';
import { openArchive } from './openArchive.ts';
import { NotReadable, readRegular } from './readRegular.ts';
import type { OpenedArchive } from './openArchive.ts';
import { resolveInRoot } from './resolveInRoot.ts';

/** What a build may copy from: a folder of this host, or an archive that a client sends. */
export type ContextSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'tar'; readonly stream: NodeJS.ReadableStream }
  /** `URL[#ref[:folder]]`. */
  | { readonly kind: 'git'; readonly url: string }
  /** No files at all. */
  | { readonly kind: 'empty' };

/** Which Dockerfile: its path in the context, or itself. */
export type DockerfileSource = string | { readonly text: string };

export interface OpenedContext {
  readonly tree: SourceTree;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** The repository that it is of, and its commit. */
  readonly source?: { readonly uri: string; readonly commit: string };
  /** Keeps for the next build what was learnt about the files. */
  close(): Promise<void>;
}

export type OpenedTree = Pick<OpenedContext, 'tree' | 'close'>;

export interface ContextDeps {
  /** Takes an archive's files. */
  readonly temp: TempFolder;
  readonly statCache: StatCache;
  readonly archives: ArchiveContents;
  /** A repository's `.git` is part of its context. */
  readonly keepGitDir?: boolean;
  readonly signal: AbortSignal;
}

/** Makes the context readable and reads the Dockerfile.  Throws BUILD_CONTEXT_INVALID, DOCKERFILE_NOT_FOUND. */
export async function openContext(source: ContextSource, dockerfile: DockerfileSource, deps: ContextDeps): Promise<OpenedContext> {
  switch (source.kind) {
    case 'directory':
      return openFolder(source.path, dockerfile, deps.statCache);
    case 'tar':
      return openTar(source.stream, dockerfile, deps);
    case 'git':
      return openRepository(source.url, dockerfile, deps);
    case 'empty':
      await mkdir(join(deps.temp.path, 'context'));
      return openFolder(join(deps.temp.path, 'context'), dockerfile);
  }
}

async function openRepository(url: string, dockerfile: DockerfileSource, { temp, signal, keepGitDir = false }: ContextDeps): Promise<OpenedContext> {
  const { folder, commit } = await fetchRepository(url, join(temp.path, 'context'), signal, keepGitDir);
  return { ...(await openFolder(folder, dockerfile)), source: { uri: withoutSecrets(url), commit } };
}

/** Checks a repository out at `root`; the folder in it that was asked for, and its commit. Throws BUILD_CONTEXT_INVALID. */
export async function fetchRepository(url: string, root: string, signal: AbortSignal, keepGitDir = false): Promise<{ readonly folder: string; readonly commit: string }> {
  const source = parseRemote(url, { keepGitDir, unpack: false });
  const failed = (detail: string): Error => contextInvalid({ detail: `${withoutSecrets(url)}: ${detail}` });
  if (source.kind !== 'git') throw failed('it is no Git repository');
  const { inside, commit } = await checkOut(source, root, failed, signal);
  return { folder: join(root, inside), commit };
}

/** `statCache`: for a folder that will be there for the next build. */
async function openFolder(path: string, dockerfile: DockerfileSource, statCache?: StatCache): Promise<OpenedContext> {
  const root = await folderAt(path);
  const file = typeof dockerfile !== 'string' ? join(root, 'Dockerfile') : isAbsolute(dockerfile) ? dockerfile : resolve(root, dockerfile);
  const text = typeof dockerfile === 'string' ? await readText(file, dockerfile) : dockerfile.text;
  const rules = await readRules([`${file}.dockerignore`, join(root, '.dockerignore')]);
  const name = relative(root, file);
  return { ...(await treeOf(root, rules, statCache)), dockerfile: { text, name: name.startsWith('..') ? file : name } };
}

/** The files of a folder of this host but for those that its own `.dockerignore` leaves out. Throws BUILD_CONTEXT_INVALID. */
export async function openFiles(path: string, statCache?: StatCache): Promise<OpenedTree> {
  const root = await folderAt(path);
  return treeOf(root, rulesOf(undefined, await readOptional(join(root, '.dockerignore'))), statCache);
}

async function folderAt(path: string): Promise<string> {
  const root = await realpath(path).catch((error: unknown) => {
    throw contextInvalid({ detail: systemCode(error) === 'ENOENT' ? `${path} does not exist` : String(error) }, { cause: error });
  });
  if (!(await stat(root)).isDirectory()) throw contextInvalid({ detail: `${path} is not a directory` });
  return root;
}

async function treeOf(root: string, rules: IgnoreRules | undefined, statCache: StatCache | undefined): Promise<OpenedTree> {
  const digests = await statCache?.open(root);
  const tree: SourceTree = { root, ...(rules ? { filter: rules } : {}), digest: (entry, signal) => (digests ? digests.digest(entry.rootPath, entry.location, entry.stats, signal) : fileDigest(entry.location, signal)), ...(digests ? { known: (entry) => digests.known(entry.rootPath, entry.stats) } : {}) };
  return { tree, close: async () => void (digests && (await statCache?.save(digests))) };
}

async function openTar(stream: NodeJS.ReadableStream, given: DockerfileSource, deps: ContextDeps): Promise<OpenedContext> {
  if (typeof given !== 'string') throw contextInvalid({ detail: 'an archive brings its own Dockerfile' });
  const dockerfile = given;
  const archive = await openArchive(stream, deps.temp.path, deps.signal);
  const texts = await contextTexts(archive, dockerfile);
  const tree: SourceTree = {
    root: archive.root,
    ...(texts.rules ? { filter: texts.rules } : {}),
    digest: (entry, signal) => fileDigest(entry.location, signal),
    prepare: () => archive.unpack(),
    ...(archive.digest === undefined ? {} : { contents: deps.archives.of(`${archive.digest} ${dockerfile}`) }),
  };
  return { tree, dockerfile: { text: texts.dockerfile, name: dockerfile }, close: () => Promise.resolve() };
}

/** The Dockerfile and the ignore rules: out of the archive if that can be, else out of its unpacked files. */
async function contextTexts(archive: OpenedArchive, dockerfile: string): Promise<{ dockerfile: string; rules: IgnoreRules | undefined }> {
  const own = `${dockerfile}.dockerignore`;
  const peeked = await archive.peek([dockerfile, own, '.dockerignore']);
  const text = peeked?.get(dockerfile);
  if (peeked && text !== undefined) return { dockerfile: text, rules: rulesOf(peeked.get(own), peeked.get('.dockerignore')) };
  await archive.unpack();
  const inside = async (path: string): Promise<string> => join(archive.root, await resolveInRoot(archive.root, path));
  return { dockerfile: await readText(await inside(dockerfile), dockerfile), rules: await readRules([await inside(own), await inside('.dockerignore')]) };
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return await readRegular(path);
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof NotReadable || code === 'ENOENT' || code === 'ENOTDIR') throw dockerfileNotFound({ path: shown }, { cause: error });
    throw error;
  }
}

async function readRules([own, shared]: readonly [string, string]): Promise<IgnoreRules | undefined> {
  return rulesOf(await readOptional(own), await readOptional(shared));
}

function readOptional(path: string): Promise<string | undefined> {
  return readRegular(path).catch(() => undefined);
}

/** A Dockerfile's own ignore file stands in for the folder's. */
function rulesOf(own: string | undefined, shared: string | undefined): IgnoreRules | undefined {
  const text = own ?? shared;
  if (text === undefined) return undefined;
  try {
    const rules = new IgnoreRules(text, own === undefined ? '.dockerignore' : 'the .dockerignore of the Dockerfile');
    return rules.isEmpty ? undefined : rules;
  } catch (error) {
    throw contextInvalid({ detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
