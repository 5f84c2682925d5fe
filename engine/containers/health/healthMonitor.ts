import { asBerthError } from '../../base/errors.ts';
import { announce } from '../attributes.ts';
import type { Container } from '../container.ts';
import type { ExecService } from '../execService.ts';
import type { ContainerParts } from '../parts.ts';
import { afterLook, planHealth, startingHealth, untilNextLook } from './healthPlan.ts';
import type { HealthPlan, HealthResult } from './healthPlan.ts';
import { runCheck } from './runCheck.ts';

/** Looks at the health of running containers that have a check, one timer each. */
export class HealthMonitor {
  readonly #parts: ContainerParts;
  readonly #execs: ExecService;
  readonly #stops = new Map<string, () => void>();
  readonly #saves = new Set<Promise<void>>();

  constructor(parts: ContainerParts, execs: ExecService) {
    this.#parts = parts;
    this.#execs = execs;
  }

  /** Begins with a container that has just started, or (`adopted`) that a former engine looked at. Ends by itself when the container does. */
  watch(container: Container, options: { readonly adopted: boolean }): void {
    this.#stops.get(container.id)?.();
    const plan = planHealth(container.record.config.Healthcheck);
    if (!plan) return;
    const known = options.adopted ? container.state.health : undefined;
    container.health = { ...startingHealth, ...known };
    if (!known) void this.#save(container);
    const left = new AbortController();
    const ended = container.exited.on(() => stop());
    const stop = (): void => {
      left.abort();
      ended.dispose();
      this.#stops.delete(container.id);
    };
    this.#stops.set(container.id, stop);
    void this.#go(container, plan, left.signal);
  }

  /** Looks no more. What is being written down is on disk when this resolves: the next engine writes to the same place. */
  async close(): Promise<void> {
    for (const stop of [...this.#stops.values()]) stop();
    await Promise.all(this.#saves);
  }

  async #go(container: Container, plan: HealthPlan, left: AbortSignal): Promise<void> {
    for (;;) {
      await rest(untilNextLook(container.health ?? startingHealth, plan, container.state.startedAt, Date.now()), left);
      if (left.aborted) return;
      if (container.state.status !== 'running') continue; // paused: its processes cannot answer
      const result = await this.#look(container, plan, left);
      if (left.aborted) return;
      await this.#note(container, plan, result);
    }
  }

  async #look(container: Container, plan: HealthPlan, left: AbortSignal): Promise<HealthResult> {
    const Start = new Date().toISOString();
    try {
      const { exitCode, output } = await runCheck(this.#execs, container.id, plan, left);
      return { Start, End: new Date().toISOString(), ExitCode: exitCode, Output: output };
    } catch (error) {
      return { Start, End: new Date().toISOString(), ExitCode: -1, Output: asBerthError(error).message };
    }
  }

  async #note(container: Container, plan: HealthPlan, result: HealthResult): Promise<void> {
    const before = container.health ?? startingHealth;
    container.health = afterLook(before, result, plan, container.state.startedAt);
    if (container.health.status === before.status) return;
    await this.#save(container);
    announce(this.#parts.events, container, `health_status: ${container.health.status}`);
  }

  async #save(container: Container): Promise<void> {
    const { status, failingStreak } = container.health ?? startingHealth;
    const save = this.#parts.locks.run(container.id, async () => {
      if (container.running) await this.#parts.store.updateState(container, (now) => ({ ...now, health: { status, failingStreak } }));
    });
    const noted = save.catch((error: unknown) => this.#parts.log.warn('the health of a container could not be written down', { container: container.id, error }));
    this.#saves.add(noted);
    await noted.finally(() => this.#saves.delete(noted));
  }
}

function rest(milliseconds: number, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      left.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    left.addEventListener('abort', done, { once: true });
  });
}
