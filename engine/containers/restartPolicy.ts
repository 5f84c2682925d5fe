import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A container that ran this long starts counting anew. */
const STEADY_MS = 10_000;

/** Whether a container that ended this way is to be started again. Pure. */
export function shouldRestart({ record, state }: Pick<Container, 'record' | 'state'>): boolean {
  const policy = record.hostConfig.RestartPolicy;
  if (state.stoppedByUser) return false;
  if (policy?.Name === 'always' || policy?.Name === 'unless-stopped') return true;
  if (policy?.Name !== 'on-failure' || state.exitCode === 0) return false;
  const most = policy.MaximumRetryCount ?? 0;
  return most === 0 || state.restartCount < most;
}

/** Starts containers again by their restart policy, each time after a longer pause. */
export class Restarter {
  readonly #parts: ContainerParts;
  readonly #start: (container: Container) => Promise<void>;
  readonly #delays = new WeakMap<Container, number>();
  #closed = false;

  /** `start` starts a container whose lock the caller does not hold. */
  constructor(parts: ContainerParts, start: (container: Container) => Promise<void>) {
    this.#parts = parts;
    this.#start = start;
  }

  /** After an end: plans the next start, if the policy wants one. The caller holds the lock. */
  async consider(container: Container): Promise<void> {
    if (this.#closed || !shouldRestart(container)) return;
    const ran = Date.parse(container.state.finishedAt) - Date.parse(container.state.startedAt);
    const delay = ran > STEADY_MS ? FIRST_DELAY_MS : (this.#delays.get(container) ?? FIRST_DELAY_MS);
    this.#delays.set(container, Math.min(delay * 2, LONGEST_DELAY_MS));
    await this.#parts.store.updateState(container, (now) => ({ ...now, status: 'restarting', restartCount: now.restartCount + 1 }));
    if (!this.#closed) container.restartTimer = setTimeout(() => void this.#again(container), delay);
  }

  /** Started by its user: the next pause is the first again. */
  forget(container: Container): void {
    this.#delays.delete(container);
  }

  /** No more restarts: the engine ends. Those that wait are started at its next start. */
  close(): void {
    this.#closed = true;
    for (const { restartTimer } of this.#parts.store.list()) clearTimeout(restartTimer);
  }

  async #again(container: Container): Promise<void> {
    try {
      await this.#start(container);
    } catch (error) {
      this.#parts.log.warn('a container could not be restarted', { container: container.id, error });
      await this.#parts.locks.run(container.id, () => this.consider(container));
    }
  }
}
