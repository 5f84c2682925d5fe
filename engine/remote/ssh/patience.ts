import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait for a host. The clock stands still while a person is asked, and each step is given the whole time. */
export class Patience {
  readonly seconds: number;
  readonly #expired: (step: string) => void;
  #step: string;
  #timer: NodeJS.Timeout | undefined;
  #asking = 0;
  #over = false;

  constructor(seconds: number, step: string, expired: (step: string) => void) {
    this.seconds = seconds;
    this.#step = step;
    this.#expired = expired;
    this.#restart();
  }

  /** A step is done, the next begins. */
  step(name: string): void {
    this.#step = name;
    this.#restart();
  }

  /** Waits for a person (or for what a person must touch). */
  async whileAsking<T>(question: Promise<T>): Promise<T> {
    this.#asking++;
    clearTimeout(this.#timer);
    try {
      return await question;
    } finally {
      this.#asking--;
      this.#restart();
    }
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#over || this.#asking > 0) return;
    this.#timer = setTimeout(() => this.#expired(this.#step), this.seconds * 1_000);
  }
}

/** Resolves with the promise, or after `ms` without it. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: controller.signal })]).catch(() => undefined);
  controller.abort();
}
