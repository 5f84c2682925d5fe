import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { ApiClient } from '../../api/client.ts';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { IgnoreRules } from '../../base/dockerIgnore.ts';
import { defineError } from '../../base/errors.ts';
import { needsContent } from '../../base/replica/applier.ts';
import { Replica } from '../../base/replica/replica.ts';
import type { Change, Entry } from '../../base/sync/entry.ts';
import { sameEntry } from '../../base/sync/entry.ts';
import { foldersAbove, stagingName } from '../../base/sync/paths.ts';
import type { PathFilter } from '../../base/sync/ruleSet.ts';
import { RemoteReplica } from './remoteReplica.ts';

const contextNotSent = defineError<{ folder: string; detail: string }>('CONTEXT_NOT_SENT', 400, (p) => `The build context ${p.folder} could not be sent: ${p.detail}`);

const ATTEMPTS = 5;

export interface SendContextOptions {
  /** Leads to the engine. */
  readonly client: ApiClient;
  /** The context's folder on this machine. */
  readonly folder: string;
  /** Absolute, or relative to the folder; default `Dockerfile`. */
  readonly dockerfile?: string;
  /** Where this machine keeps what it learnt about its contexts. */
  readonly stateFolder: string;
  readonly signal: AbortSignal;
}

/** A context that is on the engine's host as it is here, and stays so until disposed. */
export interface SentContext extends AsyncDisposable {
  /** For the build request. */
  readonly path: string;
  readonly dockerfile: string;
  /** What had to be changed there, and the bytes that it took. */
  readonly changes: number;
  readonly bytesSent: number;
  /** Files that are nothing to build from (sockets, pipes) or may not be read. */
  readonly problems: ReadonlyArray<readonly [path: string, reason: string]>;
}

/** Brings the engine host's copy of a build context up to date: only what it does not have travels. Throws CONTEXT_NOT_SENT, SYNC_ROOT_UNUSABLE. */
export async function sendContext(options: SendContextOptions): Promise<SentContext> {
  const { client, stateFolder, signal } = options;
  const folder = await realpath(options.folder).catch(() => options.folder);
  const dockerfile = insideContext(folder, options.dockerfile ?? 'Dockerfile');
  const id = await contextId(stateFolder, folder);
  const filter = await contextFilter(folder, dockerfile);
  await using local = await Replica.open({ root: folder, id, filter, indexFile: join(stateFolder, `${id}.context`) });
  const { socket } = await client.hijack('POST', `/berth/v1/contexts/${id}/connect`, { signal });
  try {
    const remote = await RemoteReplica.attach(socket);
    const { changes, problems } = await mirror(local, remote, folder, signal);
    return { path: remote.welcome.root, dockerfile, changes, bytesSent: socket.bytesWritten, problems, [Symbol.asyncDispose]: () => Promise.resolve(void socket.destroy()) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Makes the other side what this one is. What changes meanwhile is sent again. */
async function mirror(local: Replica, remote: RemoteReplica, folder: string, signal: AbortSignal): Promise<Pick<SentContext, 'changes' | 'problems'>> {
  const [here, there] = [new Map<string, Entry>(), new Map<string, Entry>()];
  let made = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal.throwIfAborted();
    const [mine, theirs] = await Promise.all([local.scan({ full: true }), remote.scan({ full: true })]);
    merge(here, mine, (entry) => withModes(entry, local.capabilities.modes));
    merge(there, theirs, (entry) => entry);
    const changes = differences(here, there);
    if (changes.length === 0) return { changes: made, problems: mine.problems };
    const wanted = changes.flatMap(({ path, from, to }) => (needsContent(from, to) ? [{ path, digest: to.digest, size: to.size, mode: to.mode }] : []));
    const needs = wanted.length === 0 ? [] : await remote.stage(wanted, { keepTimes: true });
    if (needs.length > 0) await remote.receive(local.supply(needs));
    const outcomes = await remote.apply(changes);
    changes.forEach(({ path, to }, index) => {
      if (outcomes[index]?.kind !== 'done') return;
      made++;
      if (to === undefined) there.delete(path);
      else there.set(path, to);
    });
    const problem = outcomes.find((outcome) => outcome.kind === 'problem');
    if (problem?.kind === 'problem') throw contextNotSent({ folder, detail: problem.detail });
  }
  throw contextNotSent({ folder, detail: 'its files change all the time' });
}

function merge(entries: Map<string, Entry>, delta: { full: boolean; changes: ReadonlyArray<readonly [string, Entry | undefined]> }, as: (entry: Entry) => Entry): void {
  if (delta.full) entries.clear();
  for (const [path, entry] of delta.changes) {
    if (entry === undefined) entries.delete(path);
    else entries.set(path, as(entry));
  }
}

function differences(here: ReadonlyMap<string, Entry>, there: ReadonlyMap<string, Entry>): Change[] {
  const paths = new Set([...here.keys(), ...there.keys()]);
  return [...paths].filter((path) => !sameEntry(here.get(path), there.get(path))).map((path) => ({ path, from: there.get(path), to: here.get(path) }));
}

/** Where files have no permissions they can all be run, as Docker's own client has it. */
function withModes(entry: Entry, hasModes: boolean): Entry {
  return hasModes || entry.kind === 'link' ? entry : { ...entry, mode: 0o755 };
}

function insideContext(folder: string, dockerfile: string): string {
  const path = relative(folder, isAbsolute(dockerfile) ? dockerfile : resolve(folder, dockerfile));
  if (path === '' || path.startsWith('..') || isAbsolute(path)) throw contextNotSent({ folder, detail: `the Dockerfile ${dockerfile} is outside of it. For an engine on another machine it must be inside.` });
  return path.split(sep).join('/');
}

/** The Dockerfile and the ignore files go along whatever the rules say: the builder reads them. */
async function contextFilter(folder: string, dockerfile: string): Promise<PathFilter> {
  const always = new Set([dockerfile, `${dockerfile}.dockerignore`, '.dockerignore']);
  const above = new Set([...always].flatMap((path) => [...foldersAbove(path)]));
  const text = (await readOptional(join(folder, `${dockerfile}.dockerignore`))) ?? (await readOptional(join(folder, '.dockerignore'))) ?? '';
  let rules: IgnoreRules;
  try {
    rules = new IgnoreRules(text);
  } catch (error) {
    throw contextNotSent({ folder, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  return {
    ignores: (path) => path === stagingName || (!always.has(path) && rules.ignores(path)),
    mayKeepBelow: (path) => above.has(path) || rules.mayKeepBelow(path),
  };
}

function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

/** Names this folder of this machine; two machines of one user are two. */
async function contextId(stateFolder: string, folder: string): Promise<string> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const file = join(stateFolder, 'machine');
  const known = await readOptional(file);
  const machine = known ?? randomBytes(16).toString('hex');
  if (known === undefined) await writeFileAtomic(file, machine);
  return createHash('sha256').update(`${machine}\0${folder}`).digest('hex').slice(0, 32);
}
