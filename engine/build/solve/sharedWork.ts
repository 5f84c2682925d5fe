/** A piece of what a step printed. */
export interface Output {
  readonly chunk: Buffer;
  readonly stream: 'stdout' | 'stderr';
}

interface Job<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<(output: Output) => void>;
  readonly printed: Output[];
  printedBytes: number;
  waiting: number;
}

/** Latecomers are shown at most this much of what was printed before. */
const MOST_KEPT = 1 << 20;

export interface Waiter {
  readonly signal: AbortSignal;
  readonly onOutput: (output: Output) => void;
}

/** Work that is the same for several builds is done once, for all of them. It is cancelled when nobody waits for it any more. */
export class SharedWork<T> {
  readonly #jobs = new Map<string, Job<T>>();

  /**
   * Joins the work under `key`, or starts it. Whoever started it owns what it uses, so a cancelled starter waits until
   * the work is over; others leave at once.
   */
  async run(key: string, waiter: Waiter, work: (signal: AbortSignal, print: (output: Output) => void) => Promise<T>): Promise<T> {
    waiter.signal.throwIfAborted();
    const joined = this.#jobs.get(key);
    const job = joined ?? this.#start(key, work);
    for (const output of job.printed) waiter.onOutput(output);
    job.listeners.add(waiter.onOutput);
    job.waiting++;
    const leave = (): void => {
      job.listeners.delete(waiter.onOutput);
      if (--job.waiting > 0) return;
      if (this.#jobs.get(key) === job) this.#jobs.delete(key);
      job.controller.abort(waiter.signal.reason);
    };
    waiter.signal.addEventListener('abort', leave, { once: true });
    try {
      const result = joined ? await orAborted(job.promise, waiter.signal) : await job.promise;
      waiter.signal.throwIfAborted();
      return result;
    } finally {
      waiter.signal.removeEventListener('abort', leave);
      job.listeners.delete(waiter.onOutput);
    }
  }

  #start(key: string, work: (signal: AbortSignal, print: (output: Output) => void) => Promise<T>): Job<T> {
    const controller = new AbortController();
    const listeners = new Set<(output: Output) => void>();
    const printed: Output[] = [];
    const print = (output: Output): void => {
      job.printedBytes += output.chunk.length;
      if (job.printedBytes <= MOST_KEPT) printed.push(output);
      for (const listener of listeners) listener(output);
    };
    const promise = Promise.resolve()
      .then(() => work(controller.signal, print))
      .finally(() => {
        if (this.#jobs.get(key) === job) this.#jobs.delete(key);
      });
    const job: Job<T> = { promise, controller, listeners, printed, printedBytes: 0, waiting: 0 };
    this.#jobs.set(key, job);
    return job;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
