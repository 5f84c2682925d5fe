import { randomUUID } from 'node:crypto';
import type { Question } from '../connection.ts';

interface Pending {
  readonly id: string;
  readonly question: Question;
  readonly settle: (answers: readonly string[] | undefined) => void;
}

/** Questions that are waiting for whoever watches the link. Answers go straight to who asked; nothing is kept. */
export class Questions {
  readonly #onChange: () => void;
  readonly #pending: Pending[] = [];
  #watchers = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** The one to be answered first. */
  get current(): { readonly id: string; readonly question: Question } | undefined {
    const [first] = this.#pending;
    return first && { id: first.id, question: first.question };
  }

  get watchers(): number {
    return this.#watchers;
  }

  /** Somebody is there to be asked, until the result is called. */
  watch(): () => void {
    this.#watchers += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#watchers -= 1;
      if (this.#watchers === 0) for (const { settle } of [...this.#pending]) settle(undefined);
    };
  }

  /** `undefined` when nobody is there, when all who were leave, or when the person declines. */
  ask(question: Question, signal: AbortSignal): Promise<readonly string[] | undefined> {
    if (this.#watchers === 0 || signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (answers: readonly string[] | undefined): void => {
        const at = this.#pending.indexOf(pending);
        if (at < 0) return;
        this.#pending.splice(at, 1);
        signal.removeEventListener('abort', declined);
        resolve(answers);
        this.#onChange();
      };
      const declined = (): void => settle(undefined);
      const pending: Pending = { id: randomUUID(), question, settle };
      this.#pending.push(pending);
      signal.addEventListener('abort', declined, { once: true });
      this.#onChange();
    });
  }

  /** False: it is not asked any more. */
  answer(id: string, answers: readonly string[] | undefined): boolean {
    const pending = this.#pending.find((one) => one.id === id);
    pending?.settle(answers);
    return pending !== undefined;
  }
}
