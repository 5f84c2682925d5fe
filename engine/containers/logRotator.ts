import { rm, stat } from 'node:fs/promises';
import type { Log } from '../base/log.ts';
import { rotateLog } from '../host/containerLogFiles.ts';
import type { Container } from './container.ts';
import { logPolicy } from './logPolicy.ts';
import type { LogPolicy } from './logPolicy.ts';

const SOONEST_MS = 50;
const LATEST_MS = 500;
/** How long conmon may take to leave a file that was renamed. */
const LEAVING_MS = 1_000;

/**
 * Begins the logs of running containers anew when they are full. Each is looked at the sooner the faster it grows, and not at all without a
 * limit. While no engine runs a log grows on; the next one sees to it.
 */
export class LogRotator {
  readonly #log: Log;
  readonly #stops = new Map<string, () => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Until the container ends. */
  watch(container: Container): void {
    this.#stops.get(container.id)?.();
    const policy = logPolicy(container.record.hostConfig);
    if (policy.kept !== 'some') return;
    const guard = new Guard(container, policy, this.#log);
    const ended = container.exited.on(() => stop());
    const stop = (): void => {
      guard.close();
      ended.dispose();
      this.#stops.delete(container.id);
    };
    this.#stops.set(container.id, stop);
  }

  close(): void {
    for (const stop of [...this.#stops.values()]) stop();
  }
}

/** One container's log. */
class Guard {
  readonly #container: Container;
  readonly #policy: LogPolicy;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #seen: { readonly size: number; readonly at: number } | undefined;
  #closed = false;

  constructor(container: Container, policy: LogPolicy, log: Log) {
    this.#container = container;
    this.#policy = policy;
    this.#log = log;
    this.#timer = setTimeout(() => void this.#look(), SOONEST_MS).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    let pause = LATEST_MS;
    try {
      const { log } = this.#container.paths;
      const size = (await stat(log).catch(() => undefined))?.size ?? 0;
      const full = size >= this.#policy.maxSize && !this.#closed;
      if (full) await this.#rotate(log);
      pause = nextLook(this.#seen, { size, at: Date.now() }, this.#policy.maxSize);
      this.#seen = full ? undefined : { size, at: Date.now() };
    } catch (error) {
      this.#log.warn('a log could not be rotated', { container: this.#container.id, error });
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), pause).unref();
  }

  async #rotate(path: string): Promise<void> {
    const { maxFiles } = this.#policy;
    await rotateLog(path, this.#container.paths.bundle, Math.max(1, maxFiles - 1));
    // One file in all: what was full goes as soon as conmon has left it.
    if (maxFiles === 1) setTimeout(() => void rm(`${path}.1`, { force: true }).catch(() => undefined), LEAVING_MS).unref();
  }
}

/** Milliseconds until a log that grows as it did will be half the way to full; between the soonest and the latest. Pure. */
export function nextLook(before: { readonly size: number; readonly at: number } | undefined, now: { readonly size: number; readonly at: number }, maxSize: number): number {
  if (now.size >= maxSize || !before) return SOONEST_MS;
  const perMs = Math.max(0, now.size - before.size) / Math.max(1, now.at - before.at);
  const wait = perMs === 0 ? LATEST_MS : (maxSize - now.size) / perMs / 2;
  return Math.min(LATEST_MS, Math.max(SOONEST_MS, Math.round(wait)));
}
