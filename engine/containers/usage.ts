import { shiftedKey } from '../snapshots/shiftedLayers.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './containerStore.ts';

/** What the containers there are use of other things, and how many there are. */
export class ContainerUsage {
  readonly #store: ContainerStore;

  constructor(store: ContainerStore) {
    this.#store = store;
  }

  counts(): { running: number; paused: number; stopped: number } {
    const counts = { running: 0, paused: 0, stopped: 0 };
    for (const { state } of this.#store.list()) counts[state.status === 'running' ? 'running' : state.status === 'paused' ? 'paused' : 'stopped'] += 1;
    return counts;
  }

  /** Ids of the containers made from an image. */
  usersOfImage(imageId: string): string[] {
    return this.#ids(({ record }) => record.imageId === imageId);
  }

  /** The layers that containers stand on. */
  snapshotsInUse(): string[] {
    return [...new Set(this.#store.list().flatMap(({ record }) => record.snapshots))];
  }

  /** The copies of layers for keep-id maps that they stand on. */
  shiftedInUse(): Set<string> {
    return new Set(this.#store.list().flatMap(({ record: { snapshots, keepId } }) => (keepId ? snapshots.map((id) => shiftedKey({ id, keepId })) : [])));
  }

  usersOfVolume(name: string): string[] {
    return this.#ids(({ record }) => record.mounts.some((mount) => mount.name === name));
  }

  /** Whether something runs or waits to be restarted. */
  isNeeded(): boolean {
    return this.#store.list().some(({ running, state }) => running || state.status === 'restarting');
  }

  #ids(wanted: (container: Container) => boolean): string[] {
    return this.#store.list().filter(wanted).map(({ id }) => id);
  }
}
