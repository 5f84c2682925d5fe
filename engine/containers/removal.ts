import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import { releaseRuntime } from './release.ts';

/** Removes containers with all they have on disk and in the kernel. */
export class Remover {
  readonly #parts: ContainerParts;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
  }

  /** Removes a container that does not run. The caller holds the lock. A kill half-way is finished at the next start of the engine. */
  async removeLocked(container: Container, options: { readonly volumes: boolean; readonly release?: boolean }): Promise<void> {
    const { store, events, folders, log } = this.#parts;
    if (!store.get(container.id)) return;
    clearTimeout(container.restartTimer);
    if (container.state.status !== 'removing') await store.updateState(container, (now) => ({ ...now, status: 'removing' }));
    if (options.release) await releaseRuntime(this.#parts, container);
    for (const attachment of container.attachments) attachment.abandon();
    await store.removeFolder(container.id);
    await rm(join(folders.exits, container.id), { force: true });
    store.drop(container);
    announce(events, container, 'destroy');
    container.removed.fire();
    if (!options.volumes) return;
    for (const { name, anonymous } of container.record.mounts) {
      if (!name || !anonymous) continue;
      await this.#parts.volumes.remove(name, { force: true }).catch((error: unknown) => log.debug('an anonymous volume stays', { volume: name, error }));
    }
  }
}
