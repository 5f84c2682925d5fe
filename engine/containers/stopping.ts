import { isAlive, signalProcess } from '../host/processIdentity.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import type { Ender } from './ending.ts';
import { notRunning } from './errors.ts';
import type { ContainerParts } from './parts.ts';
import { parseSignal } from './signals.ts';
import { stopSignal } from './systemd.ts';

const SIGKILL = 9;
const DEFAULT_TIMEOUT = 10;
/** How long after SIGKILL conmon may take to note the end. */
const PATIENCE_MS = 10_000;

/** Signals containers and waits for their end. Never called with the container's lock held: the end itself takes it. */
export class Stopper {
  readonly #parts: ContainerParts;
  readonly #ender: Ender;

  constructor(parts: ContainerParts, ender: Ender) {
    this.#parts = parts;
    this.#ender = ender;
  }

  /** Asks the process to end, and kills it after `timeout` seconds (negative: never). False: there was nothing to stop. */
  async stop(container: Container, options: { readonly timeout?: number; readonly signal?: string }): Promise<boolean> {
    const found = await this.#claim(container);
    if (found !== 'running') return found === 'waiting';
    const ended = this.#end(container);
    const signal = options.signal || stopSignal(container);
    const timeout = options.timeout ?? container.record.config.StopTimeout ?? DEFAULT_TIMEOUT;
    await this.#send(container, parseSignal(signal));
    if (timeout < 0) await ended.promise;
    else if (timeout === 0 || !(await within(ended.promise, timeout * 1000))) await this.kill(container);
    announce(this.#parts.events, container, 'stop');
    return true;
  }

  /** Sends a signal; SIGKILL waits for the end. */
  async signal(container: Container, name: string): Promise<void> {
    const number = parseSignal(name);
    const ends = number === SIGKILL || number === parseSignal(stopSignal(container));
    await this.#parts.locks.run(container.id, async () => {
      if (!container.running) throw notRunning({ id: container.id });
      if (ends) await this.#parts.store.updateState(container, (now) => ({ ...now, stoppedByUser: true }));
    });
    if (number === SIGKILL) return this.kill(container);
    await this.#send(container, number);
  }

  /** Ends a container at once, and for good: no policy starts it again. */
  async end(container: Container): Promise<void> {
    if ((await this.#claim(container)) === 'running') await this.kill(container);
  }

  /** Kills the process and waits until its end is recorded. */
  async kill(container: Container): Promise<void> {
    if (!container.running) return;
    const ended = this.#end(container);
    await this.#send(container, SIGKILL);
    if (await within(ended.promise, PATIENCE_MS)) return;
    const { process } = container.state;
    await this.#parts.locks.run(container.id, async () => {
      if (!container.running || (process && isAlive(process))) return;
      await this.#ender.record(container, 137, 'its monitor (conmon) ended before it did');
    });
  }

  /** Notes that its user wants it stopped; what it does. A start that is under way is waited for; one that a policy planned (`waiting`) does not come. */
  #claim(container: Container): Promise<'running' | 'waiting' | 'idle'> {
    return this.#parts.locks.run(container.id, async () => {
      clearTimeout(container.restartTimer);
      const waiting = container.state.status === 'restarting';
      await this.#parts.store.updateState(container, (now) => ({ ...now, stoppedByUser: true, ...(waiting ? { status: 'exited' } : {}) }));
      if (container.running) return 'running';
      return waiting ? 'waiting' : 'idle';
    });
  }

  #end(container: Container): { readonly promise: Promise<unknown> } {
    return { promise: container.nextExit() };
  }

  async #send(container: Container, signal: number): Promise<void> {
    const { process, status } = container.state;
    if (process && signalProcess(process, signal)) announce(this.#parts.events, container, 'kill', { signal: String(signal) });
    // A frozen process takes no signal before it thaws.
    if (status === 'paused') await this.#parts.runtime.resume(container.id).catch(() => undefined);
  }
}

async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
