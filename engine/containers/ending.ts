import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { wasOomKilled } from '../host/cgroups.ts';
import { conmonFiles } from '../host/conmon.ts';
import { isAlive } from '../host/processIdentity.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import { withoutProcess } from './record.ts';
import type { Remover } from './removal.ts';
import type { Restarter } from './restartPolicy.ts';
import { releaseRuntime } from './release.ts';

/** What happens when a container's process has ended. */
export class Ender {
  readonly #parts: ContainerParts;
  readonly #remover: Remover;
  readonly #restarter: Restarter;

  constructor(parts: ContainerParts, remover: Remover, restarter: Restarter) {
    this.#parts = parts;
    this.#remover = remover;
    this.#restarter = restarter;
  }

  /** conmon noted an exit status: records it, tells who waits, cleans up, then removes or restarts as the container's settings say. */
  async end(container: Container): Promise<void> {
    await this.#parts.locks.run(container.id, async () => {
      if (!container.running) return;
      const end = await this.exitStatus(container.id);
      if (end !== undefined) await this.record(container, end.code, '', end.at);
    });
  }

  /** The status that conmon noted, and when; `undefined` if none, or while the process lives: then it is of an earlier one, noted late. */
  async exitStatus(id: string): Promise<{ readonly code: number; readonly at: Date } | undefined> {
    const process = this.#parts.store.get(id)?.state.process;
    if (process && isAlive(process)) return undefined;
    const path = join(this.#parts.folders.exits, id);
    const [text, info] = await Promise.all([readFile(path, 'utf8'), stat(path)]).catch(() => [undefined, undefined] as const);
    return text === undefined || !/^\d+/.test(text) ? undefined : { code: Number.parseInt(text, 10), at: info.mtime };
  }

  /** Records an end with this status, now or when it was seen. The caller holds the lock. */
  async record(container: Container, exitCode: number, error = '', at: Date = new Date()): Promise<void> {
    const { store, events } = this.#parts;
    const oomKilled = await this.#wasOomKilled(container);
    const removes = container.record.hostConfig.AutoRemove ?? false;
    await store.updateState(container, (now) => ({ ...withoutProcess(now), status: removes ? 'removing' : 'exited', exitCode, error, oomKilled, finishedAt: at.toISOString() }));
    if (oomKilled) announce(events, container, 'oom');
    announce(events, container, 'die', { exitCode: String(exitCode) });
    container.exited.fire(exitCode);
    await releaseRuntime(this.#parts, container);
    if (removes) await this.#remover.removeLocked(container, { volumes: true });
    else await this.#restarter.consider(container);
  }

  async #wasOomKilled(container: Container): Promise<boolean> {
    const { cgroups, cgroupParent } = this.#parts;
    if (!container.record.hostConfig.Memory) return false;
    const path = `${cgroupParent}/${container.id}`;
    return (await wasOomKilled(cgroups.version, path)) || access(join(container.paths.bundle, conmonFiles.oom)).then(() => true, () => false);
  }
}
