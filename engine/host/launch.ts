import { Buffer } from 'node:buffer';
import { addAbortListener } from 'node:events';
import { accessSync, closeSync, constants, statSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
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
  /** Descriptors that the child gets, from 0 on; of the first three, those that are missing are /dev/null. */
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

  /** Runs a program to its end and returns what it, and whoever else it gave its output to, printed. Throws with the system's code. */
  async capture(program: string, args: readonly string[], { input, signal, ...options }: Omit<LaunchOptions, 'stdio'> & { readonly input?: string | Uint8Array | undefined; readonly signal?: AbortSignal | undefined }): Promise<Ended & { readonly stdout: string; readonly stderr: string }> {
    if (signal?.aborted) throw aborted(signal);
    using ends = new Descriptors();
    const [out, stdout] = this.#output(ends);
    const [err, stderr] = this.#second(ends, out);
    try {
      const child = this.launch(program, args, { ...options, stdio: [input === undefined ? 'ignore' : this.#input(ends, input), stdout, stderr] });
      ends.close(); // the child's alone now: their end is the end of what it prints
      const { promise: givenUp, reject } = Promise.withResolvers<never>();
      using _listener = signal && addAbortListener(signal, () => {
        child.kill('SIGTERM');
        reject(aborted(signal));
      });
      const [ended, ...texts] = await Promise.race([Promise.all([child.ended, textOf(out), textOf(err)]), givenUp]);
      return { ...ended, stdout: texts[0], stderr: texts[1] };
    } finally {
      for (const socket of [out, err]) socket.destroy();
    }
  }

  /** A pipe: what comes out of it here, and the end for the child. A file would do, but not for who opens `/dev/stderr` anew and empties it. */
  #output(ends: Descriptors): [Socket, number] {
    const [ours, theirs] = this.#native.pipe();
    return [new Socket({ fd: ours, readable: true, writable: false }), ends.add(theirs)];
  }

  /** One more, or the first is closed too. */
  #second(ends: Descriptors, first: Socket): [Socket, number] {
    try {
      return this.#output(ends);
    } catch (error) {
      first.destroy();
      throw error;
    }
  }

  /** A file to read from its start. */
  #input(ends: Descriptors, text: string | Uint8Array): number {
    const fd = ends.add(this.#native.memoryFile());
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    return fd;
  }
}

/** Descriptors that are open until they have been handed over. */
class Descriptors implements Disposable {
  #open: number[] = [];

  add(fd: number): number {
    this.#open.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

async function textOf(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
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
