import type { Buffer } from 'node:buffer';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BerthError } from '../../base/errors.ts';
import { SLOT_BYTES, SLOTS } from './unpackMessages.ts';
import type { CarriedError, FromThread, PackJob, TarIdentity, ToThread, UnpackJob, UnpackResult } from './unpackMessages.ts';

/**
 * Threads at once: each has a heap of its own, some ten megabytes. Who pulls and loads limits how many layers come at a time; this many, since a
 * layer that a slow registry sends keeps its thread for as long.
 */
const MOST = 12;
/** Milliseconds that a thread waits for more to do; the last one waits longer: one build or pull is seldom alone, and a thread takes a while to start. */
const IDLE = 2000;
const LAST_IDLE = 20_000;
/** Milliseconds that a thread has to end by itself. */
const LEAVING = 5000;

interface Thread {
  readonly worker: Worker;
  readonly memory: SharedArrayBuffer;
  idle: NodeJS.Timeout | undefined;
  /** For the layer that it is at. */
  hear: (message: FromThread) => void;
  died: (error: Error) => void;
}

/** Unpacks layers beside the engine, and digests those that it made; it goes on answering meanwhile. A few threads at most, started when there is something to do and ended soon after. */
export class UnpackThreads {
  readonly #program: string;
  readonly #most: number;
  readonly #free: Thread[] = [];
  readonly #queue: Array<(thread: Thread) => void> = [];
  #count = 0;

  /** With the threads' program beside the engine's: a bundle, or, run from source, its own file; nothing where there is neither. */
  static beside(engineScript: string): UnpackThreads | undefined {
    if (!existsSync(engineScript)) return undefined;
    const script = realpathSync(engineScript);
    const program = join(dirname(script), script.endsWith('.ts') ? 'host/tar/unpackWorker.ts' : 'unpack-worker.cjs');
    return existsSync(program) ? new UnpackThreads(program) : undefined;
  }

  constructor(program: string, most = MOST) {
    this.#program = program;
    this.#most = most;
  }

  /** Unpacks a layer's tar, plain, gzip or zstd. Throws what `unpackLayer` does, or what `source` does; then nothing is written any more. */
  async unpack(source: AsyncIterable<Buffer>, job: UnpackJob, signal?: AbortSignal): Promise<UnpackResult> {
    await import('#native'); // loaded here too, it stays where it is when the threads that have it end
    const thread = await this.#take();
    let broken = false;
    try {
      return await new Run(thread, job).finish(source, signal);
    } catch (error) {
      broken = true; // pieces of this layer may still be on their way to it
      throw error;
    } finally {
      this.#give(thread, broken);
    }
  }

  /** The tar that a folder of the store makes; its recipe is written. The folder does not change meanwhile. Throws what `packLayer` does. */
  async pack(job: PackJob): Promise<TarIdentity> {
    await import('#native');
    const thread = await this.#take();
    let dead = false;
    try {
      return await new Promise<TarIdentity>((resolve, reject) => {
        thread.hear = (message) => {
          if (message.kind === 'packed') resolve(message.result);
          else if (message.kind === 'failed') reject(uncarried(message.error));
        };
        thread.died = (error) => {
          dead = true;
          reject(error);
        };
        thread.worker.ref();
        thread.worker.postMessage({ kind: 'pack', job } satisfies ToThread);
      });
    } finally {
      thread.worker.unref();
      this.#give(thread, dead);
    }
  }

  async #take(): Promise<Thread> {
    const free = this.#free.pop();
    if (free) {
      clearTimeout(free.idle);
      return free;
    }
    if (this.#count >= this.#most) return new Promise((resolve) => this.#queue.push(resolve));
    this.#count += 1;
    return this.#start();
  }

  #start(): Thread {
    const worker = new Worker(this.#program, { name: 'unpack', execArgv: ['--disable-warning=ExperimentalWarning'] });
    const thread: Thread = { worker, memory: new SharedArrayBuffer(SLOTS * SLOT_BYTES), idle: undefined, hear: () => undefined, died: () => undefined };
    worker.on('message', (message: FromThread) => thread.hear(message));
    worker.on('error', (error: Error) => thread.died(error));
    worker.once('exit', () => thread.died(new Error('the thread that unpacked the layer ended')));
    return thread;
  }

  #give(thread: Thread, broken: boolean): void {
    if (broken) dismiss(thread);
    const next = this.#queue.shift();
    if (next) return next(broken ? this.#start() : thread);
    if (broken) {
      this.#count -= 1;
      return;
    }
    thread.idle = setTimeout(() => {
      this.#free.splice(this.#free.indexOf(thread), 1);
      this.#count -= 1;
      dismiss(thread);
    }, this.#free.length === 0 ? LAST_IDLE : IDLE).unref();
    this.#free.push(thread);
  }
}

/** Lets a thread end by itself, which takes it nothing but to hear of it: to be ended in the middle of something is for what hangs. */
function dismiss({ worker }: Thread): void {
  worker.postMessage({ kind: 'leave' } satisfies ToThread);
  const late = setTimeout(() => void worker.terminate(), LEAVING).unref();
  worker.once('exit', () => clearTimeout(late));
}

/** One layer on its way through a thread. */
class Run {
  readonly #thread: Thread;
  readonly #slots = Array.from({ length: SLOTS }, (_none, slot) => slot);
  #wake: (() => void) | undefined;
  #over = false;
  readonly #ended: Promise<UnpackResult>;
  /** What is being filled. */
  #slot: number | undefined;
  #length = 0;

  constructor(thread: Thread, job: UnpackJob) {
    this.#thread = thread;
    thread.worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<UnpackResult>();
    this.#ended = promise.finally(() => this.#leave());
    this.#ended.catch(() => undefined);
    thread.hear = (message) => {
      if (message.kind === 'free') this.#slots.push(message.slot);
      else if (message.kind === 'done') resolve(message.result);
      else if (message.kind === 'failed') reject(uncarried(message.error));
      this.#wake?.();
    };
    thread.died = reject;
    this.#say({ kind: 'begin', job, memory: thread.memory });
  }

  async finish(source: AsyncIterable<Buffer>, signal: AbortSignal | undefined): Promise<UnpackResult> {
    try {
      for await (const piece of source) {
        signal?.throwIfAborted();
        await this.#send(piece);
        if (this.#over) return await this.#ended; // it has failed: the rest is of no interest
      }
      this.#flush();
      this.#say({ kind: 'end' });
    } catch (error) {
      this.#say({ kind: 'abort' });
      await this.#ended.catch(() => undefined);
      throw error;
    }
    const abort = (): void => this.#say({ kind: 'abort' });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.#ended;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #send(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length && !this.#over; ) {
      this.#slot ??= await this.#freeSlot();
      if (this.#slot === undefined) return;
      const room = Math.min(SLOT_BYTES - this.#length, piece.length - at);
      new Uint8Array(this.#thread.memory, this.#slot * SLOT_BYTES + this.#length, room).set(piece.subarray(at, at + room));
      this.#length += room;
      at += room;
      // A thread that has nothing to do gets what there is.
      if (this.#length === SLOT_BYTES || this.#slots.length === SLOTS - 1) this.#flush();
    }
  }

  async #freeSlot(): Promise<number | undefined> {
    while (this.#slots.length === 0 && !this.#over) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#slots.shift();
  }

  #flush(): void {
    if (this.#slot === undefined) return;
    this.#say({ kind: 'filled', slot: this.#slot, length: this.#length });
    this.#slot = undefined;
    this.#length = 0;
  }

  #leave(): void {
    this.#over = true;
    this.#wake?.();
    this.#thread.worker.unref();
  }

  #say(message: ToThread): void {
    if (!this.#over) this.#thread.worker.postMessage(message);
  }
}

function uncarried({ message, name, code, status, params }: CarriedError): Error {
  if (code !== undefined && status !== undefined) return new BerthError(code, status, message, params);
  return Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
}
