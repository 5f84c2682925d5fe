import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { defineError } from '../base/errors.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import { Brake, engineEnds } from './brake.ts';
import { untilConmonWaits } from './conmonReady.ts';
import { runtimeMessage } from './ociRuntime.ts';
import type { OciRuntime } from './ociRuntime.ts';
import { start, startFailure } from './process.ts';

/** conmon: one small process per container (and per terminal session) that holds its stdio, writes its log and notes its exit status. */

export const createFailed = defineError<{ detail: string }>('CREATE_FAILED', 500, (p) => `OCI runtime create failed: ${p.detail}`);

export interface ConmonContainer {
  readonly id: string;
  /** Holds config.json; conmon adds `attach`, `ctl`, `winsz`, `oom`. */
  readonly bundle: string;
  /** `undefined`: no log. */
  readonly logPath: string | undefined;
  /** Gets a file named by the container's id, with its exit status in it. */
  readonly exitDir: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  /** Whether stdin stays open when a client that was attached leaves. */
  readonly keepStdin: boolean;
  /** A descriptor that conmon shall hold as long as it lives. */
  readonly life?: number;
}

export const conmonFiles = { attach: 'attach', control: 'ctl', pid: 'pid', monitorPid: 'conmon.pid', oom: 'oom', runtimeLog: 'runtime.log' } as const;

/** Creates a container; it waits for the runtime's `start`. Resolves to its first process. Throws CREATE_FAILED in the runtime's words. */
export async function createWithConmon(runtime: OciRuntime, container: ConmonContainer): Promise<{ readonly pid: number }> {
  const pid = await tryCreate(runtime, container);
  if (pid !== undefined) return { pid };
  // A runtime quicker than conmon's look at the terminal it hands over: see conmonReady.ts. Nothing of the container has run yet.
  await runtime.delete(container.id);
  const again = await tryCreate(runtime, container);
  if (again !== undefined) return { pid: again };
  throw createFailed({ detail: 'conmon ended without a word' });
}

/** `undefined`: conmon ended, and neither it nor the runtime says why. */
async function tryCreate(runtime: OciRuntime, container: ConmonContainer): Promise<number | undefined> {
  const args = [
    ...commonArgs(runtime, container.id, container.bundle),
    ...['--exit-dir', container.exitDir, '-l', container.logPath === undefined ? 'none' : `k8s-file:${container.logPath}`],
    ...(container.terminal ? ['-t'] : []),
    ...(container.stdin ? ['-i'] : []),
    ...(container.keepStdin ? ['--leave-stdin-open'] : []),
  ];
  const child = start('conmon', args, { cwd: container.bundle, env: { ...environment(), _OCI_SYNCPIPE: '3' }, stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...(container.life === undefined ? [] : [container.life])], detached: true });
  const words = collect(child.stderr);
  const failure = new Promise<never>((_resolve, reject) => child.once('error', (error) => reject(startFailure('conmon', error))));
  failure.catch(() => undefined);
  const forked = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const message = await Promise.race([new SyncPipe(child.stdio[3] as Readable).next(), failure]);
  child.stdio[3]?.destroy();
  child.stderr?.destroy();
  if (message && message.data > 0) {
    await forked; // it notes its child's number before it leaves, but the child may be quicker
    return message.data;
  }
  const reason = await reasonOf(container.bundle, message?.message ?? words.text());
  if (message === undefined && reason === '') return undefined;
  throw createFailed({ detail: reason || silence(message) });
}

export interface ConmonExec {
  readonly containerId: string;
  readonly bundle: string;
  readonly processPath: string;
  readonly stdin: boolean;
  /** Whether somebody will attach, and the process must wait for that. */
  readonly attach: boolean;
}

/** A process with a terminal in a running container. */
export interface ConmonSession {
  /** Lets the process start, once who wants to has attached. Resolves to its pid. Throws CREATE_FAILED. */
  start(): Promise<{ readonly pid: number }>;
  /** Its exit status. */
  readonly exited: Promise<number>;
  /** Holds its output back while its client is behind. */
  readonly brake: Brake;
}

/** Prepares a process with a terminal; the attach socket is there when this resolves. */
export async function execWithConmon(runtime: OciRuntime, exec: ConmonExec): Promise<ConmonSession> {
  const args = [
    ...commonArgs(runtime, exec.containerId, exec.bundle),
    ...['-e', '--exec-process-spec', exec.processPath, '-l', 'none', '-t', '--leave-stdin-open', '--sync'],
    ...(exec.stdin ? ['-i'] : []),
    ...(exec.attach ? ['--exec-attach'] : []),
  ];
  const [program = '', ...rest] = [...engineEnds, 'conmon', ...args];
  const child: ChildProcess = start(program, rest, { cwd: exec.bundle, env: { ...environment(), _OCI_SYNCPIPE: '3', _OCI_STARTPIPE: '4', _OCI_ATTACHPIPE: '5' }, stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', (error) => reject(startFailure(program, error))));
  failed.catch(() => undefined);
  const [, , , syncEnd, startEnd, attachEnd] = child.stdio as ReadonlyArray<unknown>;
  const sync = new SyncPipe(syncEnd as Readable);
  const startPipe = startEnd as Writable;
  startPipe.on('error', () => undefined);
  startPipe.write('\n'); // the first word: get ready
  if (exec.attach) await Promise.race([new SyncPipe(attachEnd as Readable).next(), failed]);
  let begin: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (begin = resolve));
  const brake = new Brake(child);
  const started = asked.then(async () => {
    if (exec.attach) {
      await untilConmonWaits(child.pid);
      startPipe.write('\n'); // the second: begin
    }
    const message = await sync.next();
    if (!message || message.data <= 0) throw createFailed({ detail: (await reasonOf(exec.bundle, message?.message ?? '')) || silence(message) });
    brake.started(message.data);
    return { pid: message.data };
  });
  const exited = started.then(async () => (await sync.next())?.data ?? 255);
  started.catch(() => undefined);
  exited.catch(() => undefined);
  return {
    start: () => {
      begin();
      return started;
    },
    exited,
    brake,
  };
}

/** One after the other for each terminal: the size that was asked for last is the one that stays. */
const resizes = new KeyedMutex();

/** Sets a terminal's size through conmon's control FIFO. False if nobody listens there any more. */
export function resizeTerminal(bundle: string, rows: number, columns: number): Promise<boolean> {
  return resizes.run(bundle, () => tellSize(bundle, rows, columns));
}

async function tellSize(bundle: string, rows: number, columns: number): Promise<boolean> {
  try {
    const control = await open(join(bundle, conmonFiles.control), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      await control.write(`1 ${rows} ${columns}\n`);
    } finally {
      await control.close();
    }
    return true;
  } catch {
    return false;
  }
}

function commonArgs(runtime: OciRuntime, id: string, bundle: string): string[] {
  return [
    ...['--api-version', '1', '-c', id, '-u', id, '-n', id.slice(0, 12), '-r', runtime.path],
    ...[...runtime.globalArgs, '--log', join(bundle, conmonFiles.runtimeLog)].flatMap((arg) => ['--runtime-arg', arg]),
    ...['-b', bundle, '-p', join(bundle, conmonFiles.pid), '-P', join(bundle, conmonFiles.monitorPid), '--full-attach', '--no-sync-log'],
  ];
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], ...(process.env['XDG_RUNTIME_DIR'] ? { XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] } : {}) };
}

interface SyncMessage {
  readonly data: number;
  readonly message?: string;
}

/** conmon's answers: JSON, one a line. */
class SyncPipe {
  #text = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(pipe: Readable) {
    pipe.setEncoding('utf8');
    pipe.on('data', (chunk: string) => {
      this.#text += chunk;
      this.#wake();
    });
    for (const event of ['end', 'error', 'close']) {
      pipe.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  async next(): Promise<SyncMessage | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line) as SyncMessage;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function collect(stream: Readable | null): { text(): string } {
  let text = '';
  stream?.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-4000)));
  return { text: () => text.trim() };
}

/** Why the runtime failed: in its own log, else (an older one without a log) what conmon heard of it; else ''. */
async function reasonOf(bundle: string, heard: string): Promise<string> {
  const log = await readFile(join(bundle, conmonFiles.runtimeLog), 'utf8').catch(() => '');
  return runtimeMessage(log) || runtimeMessage(heard).replace(/^(crun|runc|conmon): /, '');
}

function silence(message: SyncMessage | undefined): string {
  return message === undefined ? 'conmon ended without a word' : `conmon answered ${message.data} without a word`;
}
