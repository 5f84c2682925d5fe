/**
 * Decides when an engine that was started on demand may leave: when nothing has kept it busy for a while. Requests count
 * while they are served; `keepAlive` says whether anything else (a running container, a job) needs the engine.
 */
export class Activity {
  readonly #idleMs: number;
  readonly #keepAlive: () => boolean;
  readonly #onIdle: () => void;
  #open = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `idleSeconds` 0: never idle. */
  constructor(idleSeconds: number, keepAlive: () => boolean, onIdle: () => void) {
    this.#idleMs = idleSeconds * 1000;
    this.#keepAlive = keepAlive;
    this.#onIdle = onIdle;
    this.#arm();
  }

  /** Counts one piece of work; call the result, once, when it is done. */
  begin(): () => void {
    this.#open += 1;
    clearTimeout(this.#timer);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      this.#open -= 1;
      if (this.#open === 0) this.#arm();
    };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#idleMs === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), this.#idleMs);
    this.#timer.unref();
  }

  #check(): void {
    if (this.#open > 0) return;
    if (this.#keepAlive()) this.#arm();
    else this.#onIdle();
  }
}
