/** Values go from one hand to the other: who puts one waits until it was taken. */
export class Handoff<T> {
  #waiting: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined;
  #offered: { value: T; taken: () => void } | undefined;
  #failure: Error | undefined;

  async put(value: T): Promise<void> {
    if (this.#failure) return;
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve(value);
      return;
    }
    await new Promise<void>((taken) => (this.#offered = { value, taken }));
  }

  take(): Promise<T> {
    const offered = this.#offered;
    if (offered) {
      this.#offered = undefined;
      offered.taken();
      return Promise.resolve(offered.value);
    }
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** Nothing more comes. */
  fail(error: Error): void {
    this.#failure = error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
