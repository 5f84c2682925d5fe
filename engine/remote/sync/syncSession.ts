import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { removeTempFiles } from '../../base/atomicFile.ts';
import { Emitter } from '../../base/emitter.ts';
import { Replica } from '../../base/replica/replica.ts';
import type { Entry } from '../../base/sync/entry.ts';
import { CarrierLost } from '../../base/sync/frames.ts';
import { run } from '../../host/process.ts';
import { AncestorFile } from './ancestorFile.ts';
import { Controller } from './controller.ts';
import type { CycleReport } from './controller.ts';
import { RemoteReplica } from './remoteReplica.ts';
import type { SyncRecord } from './syncRecord.ts';

export interface SyncSessionOptions {
  readonly record: SyncRecord;
  /** This sync's own folder of state. */
  readonly stateFolder: string;
  /** A stream to the folder on the host: `POST /berth/v1/syncs/:id/connect`. Called again whenever the last one was lost. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>;
}

export interface SyncStatus {
  /** `halted`: it cannot go on until something is put right; it is tried again every few seconds. */
  readonly state: 'connecting' | 'working' | 'watching' | 'disconnected' | 'halted' | 'closed';
  readonly detail?: string;
  /** The folder on the host, once it was reached. */
  readonly remote?: string;
  readonly pending: number;
  readonly problems: CycleReport['problems'];
  /** Of this run, the latest last. */
  readonly conflicts: CycleReport['conflicts'];
  readonly changesToLocal: number;
  readonly changesToRemote: number;
}

/** Milliseconds. */
const PERSIST_AFTER = 1000;
const PERSIST_AT_LEAST = 20_000;
const RETRY_AFTER = 2000;
const FLUSH_AGAIN = 100;
const GRACE = 3000;
const MOST_CONFLICTS = 200;

interface Flush {
  readonly resolve: (status: SyncStatus) => void;
  readonly reject: (error: Error) => void;
}

/** Keeps a folder here and one on a host equal, over whatever carrier there is, for as long as it is open. */
export class SyncSession implements AsyncDisposable {
  readonly #options: SyncSessionOptions;
  readonly #statusChanged = new Emitter<SyncStatus>();
  readonly #closing = new AbortController();
  readonly #ancestors: AncestorFile;
  #status: SyncStatus = { state: 'connecting', pending: 0, problems: [], conflicts: [], changesToLocal: 0, changesToRemote: 0 };
  #wake: () => void = () => undefined;
  #isAwake = true;
  #flushes: Flush[] = [];
  #boot: string | undefined;
  #ancestor: Map<string, Entry> | undefined;
  #savedAt = performance.now();
  /** In a row. */
  #halts = 0;
  #done: Promise<void> | undefined;

  private constructor(options: SyncSessionOptions) {
    this.#options = options;
    this.#ancestors = new AncestorFile(join(options.stateFolder, 'ancestor'), options.record.remote);
  }

  /** Nothing happens before `begin`. */
  static async open(options: SyncSessionOptions): Promise<SyncSession> {
    await mkdir(options.stateFolder, { recursive: true, mode: 0o700 });
    await removeTempFiles(options.stateFolder);
    return new SyncSession(options);
  }

  /** Errors of the folders and of the connection are told by `status`, and are tried again. */
  begin(): void {
    this.#done ??= this.#run();
  }

  get status(): SyncStatus {
    return this.#status;
  }

  onStatus(listener: (status: SyncStatus) => void): { dispose(): void } {
    return this.#statusChanged.on(listener);
  }

  /** Looks at both folders whole and resolves when they are equal, but for problems and paths that stay open because of them. Rejects when that cannot be reached now. */
  flush(): Promise<SyncStatus> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) return reject(new Error('The sync was closed'));
      if (this.#status.state === 'halted') return reject(new Error(this.#status.detail ?? 'The sync is halted'));
      this.#flushes.push({ resolve, reject });
      this.#poke();
    });
  }

  /** Ends after the work at hand; nothing is left over. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#poke();
    await this.#done;
    this.#failFlushes(new Error('The sync was closed'));
    this.#say({ state: 'closed' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#connected(() => (attempt = 0));
      } catch (error) {
        if (signal.aborted) return;
        const lost = isLost(error);
        this.#say({ state: lost ? 'disconnected' : 'halted', detail: error instanceof Error ? error.message : String(error) });
        if (!lost) this.#failFlushes(error);
        await delay(lost ? Math.min(5000, 100 * 2 ** attempt) : Math.min(30_000, RETRY_AFTER * 2 ** this.#halts++), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One connection, from its begin to its end. */
  async #connected(onReady: () => void): Promise<void> {
    const { record, stateFolder, connect } = this.#options;
    const { signal } = this.#closing;
    if (this.#status.state !== 'halted') this.#say({ state: 'connecting' });
    await using local = await Replica.open({
      root: record.local,
      id: record.id,
      indexFile: join(stateFolder, 'index'),
      rules: { gitignore: record.gitignore, extra: record.ignore },
      onChange: () => this.#poke(),
      knows: (path) => this.#ancestor?.has(path) ?? false,
      ...(process.platform === 'linux' ? { settle: async (root: string) => void (await run('sync', ['-f', root])) } : {}),
    });
    const stream = await untilConnected(connect, signal);
    // The work at hand may end, but not hold up who waits for the end.
    let cut: NodeJS.Timeout | undefined;
    const abort = (): void => void (cut = setTimeout(() => stream.destroy(), GRACE));
    signal.addEventListener('abort', abort, { once: true });
    try {
      const remote = await RemoteReplica.attach(stream);
      remote.onChange = () => this.#poke();
      const ancestor = await this.#ancestorFor(remote.welcome.boot);
      onReady();
      await this.#work(new Controller({ local, remote, remoteRoot: remote.welcome.root, localName: hostname(), remoteName: remote.welcome.host, ancestor }), local, remote);
    } finally {
      signal.removeEventListener('abort', abort);
      clearTimeout(cut);
      stream.destroy();
    }
  }

  /** After another start of the host, what was not yet on its disk may be gone: only what is known to be there counts. */
  async #ancestorFor(boot: string): Promise<Map<string, Entry>> {
    if (this.#ancestor === undefined || this.#boot !== boot) this.#ancestor = await this.#ancestors.load();
    this.#boot = boot;
    return this.#ancestor;
  }

  async #work(controller: Controller, local: Replica, remote: RemoteReplica): Promise<void> {
    const { signal } = this.#closing;
    let isFirst = true;
    let unsaved = false;
    let lost: Error | undefined;
    void remote.lost.then((error) => {
      lost = error;
      this.#poke();
    });
    while (!signal.aborted) {
      if (lost) throw lost;
      this.#isAwake = false;
      const flushes = [...this.#flushes];
      this.#say({ state: 'working', remote: remote.welcome.root });
      const report = await controller.cycle({ full: isFirst || flushes.length > 0, remote: remote.isChanged });
      isFirst = false;
      unsaved ||= report.agreed > 0;
      this.#take(report);
      // Everything was looked at after the flush was asked for, so this is what it asks for, whatever came in since.
      if (flushes.length > 0 && report.pending.length === 0) {
        if (unsaved) unsaved = await this.#persist(local, remote);
        this.#resolveFlushes(flushes);
      } else if (flushes.length > 0) {
        // What is left may need a moment: a file that is being written, a scan over there.
        if (report.toLocal + report.toRemote === 0) await this.#sleep(FLUSH_AGAIN);
        continue;
      }
      if (unsaved && flushes.length === 0 && (performance.now() - this.#savedAt > PERSIST_AT_LEAST || (await this.#sleep(PERSIST_AFTER)))) unsaved = await this.#persist(local, remote);
      await this.#sleep(report.pending.length > 0 ? RETRY_AFTER : undefined);
    }
    if (unsaved) await this.#persist(local, remote).catch(() => undefined);
  }

  async #persist(local: Replica, remote: RemoteReplica): Promise<boolean> {
    const copy = new Map(this.#ancestor);
    await Promise.all([local.settle(), remote.settle()]);
    await this.#ancestors.save(copy);
    this.#savedAt = performance.now();
    return false;
  }

  #take(report: CycleReport): void {
    this.#halts = 0;
    this.#say({
      state: report.pending.length > 0 ? 'working' : 'watching',
      ...(report.limited === undefined ? {} : { detail: report.limited }),
      pending: report.pending.length,
      problems: report.problems,
      conflicts: [...this.#status.conflicts, ...report.conflicts].slice(-MOST_CONFLICTS),
      changesToLocal: this.#status.changesToLocal + report.toLocal,
      changesToRemote: this.#status.changesToRemote + report.toRemote,
    });
  }

  #resolveFlushes(done: readonly Flush[]): void {
    this.#flushes = this.#flushes.filter((flush) => !done.includes(flush));
    for (const flush of done) flush.resolve(this.#status);
  }

  #failFlushes(error: unknown): void {
    for (const flush of this.#flushes.splice(0)) flush.reject(error instanceof Error ? error : new Error(String(error)));
  }

  #poke(): void {
    this.#isAwake = true;
    this.#wake();
  }

  /** Until something happens; true: nothing did for that long. */
  async #sleep(ms: number | undefined): Promise<boolean> {
    if (this.#isAwake) return false;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<boolean>((resolve) => {
        this.#wake = () => resolve(false);
        if (ms !== undefined) timer = setTimeout(() => resolve(true), ms);
      });
    } finally {
      clearTimeout(timer);
      this.#wake = () => undefined;
    }
  }

  #say(change: Partial<SyncStatus>): void {
    const { detail: _, ...before } = this.#status;
    this.#status = { ...before, ...change };
    this.#statusChanged.fire(this.#status);
  }
}

/** A signal that holds only while connecting: a request's own would take the stream down with it later. */
async function untilConnected(connect: SyncSessionOptions['connect'], signal: AbortSignal): Promise<Duplex> {
  const connecting = new AbortController();
  const abort = (): void => connecting.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await connect(connecting.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function isLost(error: unknown): boolean {
  if (error instanceof CarrierLost) return true;
  if (!(error instanceof Error)) return false;
  // No engine there (it starts on demand), or the link is down.
  return error.name === 'ConnectError' || error.name === 'AbortError' || ('code' in error && typeof error.code === 'string' && ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ENOENT', 'ETIMEDOUT'].includes(error.code));
}
