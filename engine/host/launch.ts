import { accessSync, closeSync, constants, fstatSync, readSync, statSync, writeSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { constants as system } from 'node:os';
import { delimiter, join } from 'node:path';
import type * as Native from '#native';
import { systemCode } from '../base/errors.ts';

/** How a process ended: one of the two is null. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process with nothing of ours but descriptors. */
export interface Launched {
  readonly ended: Promise<Ended>;
  /** Nothing, once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

export interface LaunchOptions {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Descriptors that the child gets, from 0 on. */
  readonly stdio: ReadonlyArray<number | 'ignore'>;
  /** In a session of its own, which the end of ours does not touch. */
  readonly detached?: boolean | undefined;
}

const NAMES = new Map(Object.entries(system.signals).map(([name, number]) => [number, name as NodeJS.Signals]));

/**
 * Starts processes by the add-on. Node forks: of an engine with a heap of some size that takes milliseconds, in which it answers nobody; without a
 * copy of the heap it takes a fraction of one.
 */
export class Launcher {
  readonly #native: typeof Native;

  private constructor(native: typeof Native) {
    this.#native = native;
  }

  /** Nothing where there is no add-on: other systems than Linux. */
  static async open(): Promise<Launcher | undefined> {
    return process.platform === 'linux' ? new Launcher(await import('#native')) : undefined;
  }

  /** Throws with the system's code, ENOENT when there is no such program. */
  launch(program: string, args: readonly string[], { cwd, env, stdio, detached = false }: LaunchOptions): Launched {
    const { promise: ended, resolve } = Promise.withResolvers<Ended>();
    let over = false;
    const onExit = (code: number | null, signal: number | null): void => {
      over = true;
      resolve({ code, signal: signal === null ? null : (NAMES.get(signal) ?? 'SIGKILL') });
    };
    // What this process changes in its own environment is in `process.env`, and not where the add-on would look.
    const pairs = Object.entries(env ?? process.env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const pid = this.#native.spawn(find(program, env ?? process.env, cwd), [program, ...args], pairs, cwd, stdio.map((one) => (one === 'ignore' ? -1 : one)), detached, onExit);
    return { ended, kill: (signal) => void (over || process.kill(pid, signal)) };
  }

  /** Runs a program to its end, what it prints kept in memory. It waits for nobody who holds on to its output. */
  async capture(program: string, args: readonly string[], { input, signal, ...options }: Omit<LaunchOptions, 'stdio'> & { readonly input?: string | Uint8Array | undefined; readonly signal?: AbortSignal | undefined }): Promise<Ended & { readonly stdout: string; readonly stderr: string }> {
    if (signal?.aborted) throw aborted(signal);
    using files = new MemoryFiles(this.#native);
    const stdin = input === undefined ? 'ignore' : files.holding(input);
    const [stdout, stderr] = [files.empty(), files.empty()];
    const child = this.launch(program, args, { ...options, stdio: [stdin, stdout, stderr] });
    const abort = (): void => child.kill('SIGTERM');
    signal?.addEventListener('abort', abort, { once: true });
    const ended = await child.ended;
    signal?.removeEventListener('abort', abort);
    if (signal?.aborted) throw aborted(signal);
    return { ...ended, stdout: contentOf(stdout), stderr: contentOf(stderr) };
  }
}

/** Files without a name; disposing closes them. */
class MemoryFiles implements Disposable {
  readonly #native: typeof Native;
  readonly #open: number[] = [];

  constructor(native: typeof Native) {
    this.#native = native;
  }

  empty(): number {
    const fd = this.#native.memoryFile();
    this.#open.push(fd);
    return fd;
  }

  holding(text: string | Uint8Array): number {
    const fd = this.empty();
    const bytes = Buffer.from(text);
    // At positions of their own: whoever reads it begins at the start.
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open) closeSync(fd);
  }
}

function contentOf(fd: number): string {
  const bytes = Buffer.allocUnsafe(fstatSync(fd).size);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.toString('utf8', 0, length);
}

/** Where a program is, as execvp looks for it. Throws ENOENT, or EACCES when there are only such that may not be run. */
function find(program: string, env: NodeJS.ProcessEnv, cwd: string | undefined): string {
  if (program.includes('/')) return program;
  let refused = false;
  for (const folder of (env['PATH'] ?? '/usr/bin:/bin').split(delimiter)) {
    const path = join(folder === '' ? (cwd ?? '.') : folder, program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch (error) {
      if (systemCode(error) === 'EACCES') refused = true;
    }
  }
  throw Object.assign(new Error(`spawn ${program} ${refused ? 'EACCES' : 'ENOENT'}`), { code: refused ? 'EACCES' : 'ENOENT', path: program });
}

/** As Node words it. */
function aborted(signal: AbortSignal): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' });
}
