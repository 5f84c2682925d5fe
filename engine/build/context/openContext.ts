import { createReadStream } from 'node:fs';
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
import { fetchContext } from './fetchContext.ts';
import { fileDigest } from './fileDigest.ts';
import { openArchive } from './openArchive.ts';
import { NotReadable, readRegular } from './readRegular.ts';
import type { OpenedArchive } from './openArchive.ts';
import { resolveInRoot } from './resolveInRoot.ts';

/** What a build may copy from: a folder of this host, an archive that a client sends, or what is fetched. */
export type ContextSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'tar'; readonly stream: NodeJS.ReadableStream }
  /** `URL[#ref[:folder]]`. */
  | { readonly kind: 'git'; readonly url: string }
  /** An archive, or a Dockerfile alone. */
  | { readonly kind: 'http'; readonly url: string }
  /** No files at all. */
  | { readonly kind: 'empty' };

/** Which Dockerfile: its path in the context, or itself. */
export type DockerfileSource = string | { readonly text: string };

export interface OpenedContext {
  readonly tree: SourceTree;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** Where it was fetched: a repository with its commit, or a file with its digest. */
  readonly source?: { readonly uri: string; readonly digest: Readonly<Record<string, string>> };
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

const DEFAULT_NAME = 'Dockerfile';

/** Makes the context readable and reads the Dockerfile.  Throws BUILD_CONTEXT_INVALID, DOCKERFILE_NOT_FOUND. */
export async function openContext(source: ContextSource, dockerfile: DockerfileSource, deps: ContextDeps): Promise<OpenedContext> {
  switch (source.kind) {
    case 'directory':
      return openFolder(source.path, dockerfile, deps.statCache);
    case 'tar':
      return openTar(source.stream, dockerfile, deps);
    case 'git':
      return openRepository(source.url, dockerfile, deps);
    case 'http':
      return openFetched(source.url, dockerfile, deps);
    case 'empty':
      return openEmpty(dockerfile, deps);
  }
}

async function openEmpty(dockerfile: DockerfileSource, { temp }: ContextDeps): Promise<OpenedContext> {
  await mkdir(join(temp.path, 'context'));
  return openFolder(join(temp.path, 'context'), dockerfile);
}

/** A lone Dockerfile has no files beside it, whatever it is called. */
async function openFetched(url: string, dockerfile: DockerfileSource, deps: ContextDeps): Promise<OpenedContext> {
  const fetched = await fetchContext(url, join(deps.temp.path, 'fetched'), deps.signal);
  const source = { uri: withoutSecrets(url), digest: { sha256: fetched.sha256 } };
  if (fetched.kind === 'archive') return { ...(await openTar(createReadStream(fetched.path), dockerfile, deps)), source };
  if (typeof dockerfile !== 'string') throw contextInvalid({ detail: `${source.uri} is a Dockerfile, and another one was given` });
  return { ...(await openEmpty({ text: fetched.text }, deps)), source };
}

async function openRepository(url: string, dockerfile: DockerfileSource, { temp, signal, keepGitDir = false }: ContextDeps): Promise<OpenedContext> {
  const { folder, commit } = await fetchRepository(url, join(temp.path, 'context'), signal, keepGitDir);
  return { ...(await openFolder(folder, dockerfile)), source: { uri: withoutSecrets(url), digest: { sha1: commit } } };
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
  const at = (path: string): string => (isAbsolute(path) ? path : resolve(root, path));
  const found = typeof dockerfile === 'string' ? await findDockerfile(dockerfile, (path) => readText(at(path), dockerfile)) : { name: DEFAULT_NAME, text: dockerfile.text };
  const [file, { text }] = [at(found.name), found];
  const rules = await readRules([`${file}.dockerignore`, join(root, '.dockerignore')]);
  const name = relative(root, file);
  return { ...(await treeOf(root, rules, statCache)), dockerfile: { text, name: name.startsWith('..') ? file : name } };
}

/** `dockerfile` where there is no `Dockerfile`, as Docker has it. `read` throws DOCKERFILE_NOT_FOUND. */
async function findDockerfile(name: string, read: (name: string) => Promise<string>): Promise<{ readonly name: string; readonly text: string }> {
  try {
    return { name, text: await read(name) };
  } catch (error) {
    const other = name.toLowerCase();
    if (name !== DEFAULT_NAME || !dockerfileNotFound.is(error)) throw error;
    return { name: other, text: await read(other) };
  }
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
  const archive = await openArchive(stream, deps.temp.path, deps.signal);
  const { name, text, rules } = await contextTexts(archive, given);
  const tree: SourceTree = {
    root: archive.root,
    ...(rules ? { filter: rules } : {}),
    digest: (entry, signal) => fileDigest(entry.location, signal),
    prepare: () => archive.unpack(),
    ...(archive.digest === undefined ? {} : { contents: deps.archives.of(`${archive.digest} ${name}`) }),
  };
  return { tree, dockerfile: { text, name }, close: () => Promise.resolve() };
}

interface ContextTexts {
  /** Of the Dockerfile. */
  readonly name: string;
  readonly text: string;
  readonly rules: IgnoreRules | undefined;
}

/** The Dockerfile and the ignore rules: out of the archive if that can be, else out of its unpacked files. */
async function contextTexts(archive: OpenedArchive, given: DockerfileSource): Promise<ContextTexts> {
  const wanted = typeof given === 'string' ? given : DEFAULT_NAME;
  const names = wanted === DEFAULT_NAME ? [wanted, wanted.toLowerCase()] : [wanted];
  const peeked = await archive.peek([...names, ...names.map(ownRules), '.dockerignore']);
  const name = typeof given === 'string' ? names.find((one) => peeked?.has(one)) : wanted;
  const text = typeof given === 'string' ? peeked?.get(name ?? '') : given.text;
  if (peeked && name !== undefined && text !== undefined) return { name, text, rules: rulesOf(peeked.get(ownRules(name)), peeked.get('.dockerignore')) };
  await archive.unpack();
  return textsInside(archive.root, given);
}

async function textsInside(root: string, given: DockerfileSource): Promise<ContextTexts> {
  const inside = async (path: string): Promise<string> => join(root, await resolveInRoot(root, path));
  const found = typeof given === 'string' ? await findDockerfile(given, async (path) => readText(await inside(path), given)) : { name: DEFAULT_NAME, text: given.text };
  return { ...found, rules: await readRules([await inside(ownRules(found.name)), await inside('.dockerignore')]) };
}

function ownRules(dockerfile: string): string {
  return `${dockerfile}.dockerignore`;
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
