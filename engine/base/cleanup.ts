/**
 * Clean-up steps run in reverse order of registration. Register each the moment its resource exists; on success call
 * `keep()` and nothing runs. Every step must be idempotent. All steps run even if some fail; the first failure is thrown.
 */
export class CleanupStack {
  #steps: Array<() => Promise<unknown> | void> = [];

  defer(step: () => Promise<unknown> | void): void {
    this.#steps.push(step);
  }

  /** The work succeeded: what was registered belongs to someone else now. */
  keep(): void {
    this.#steps = [];
  }

  /** Hands what was registered over to a stack of its own. */
  move(): CleanupStack {
    const moved = new CleanupStack();
    moved.#steps = this.#steps;
    this.#steps = [];
    return moved;
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run();
  }
}
