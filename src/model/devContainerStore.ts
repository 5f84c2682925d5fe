import { Emitter } from '../base/emitter.ts';
import type { ContainerStore } from './containerStore.ts';
import { devContainersOf } from './devContainers.ts';
import type { DevContainer, DevContainerConfig, UpProgress } from './devContainers.ts';

export type DevContainerChange = { readonly kind: 'list' } | { readonly kind: 'item'; readonly key: string };

/** Dev containers, put together from definitions, containers and what is under way; announces what changed in them. */
export class DevContainerStore {
  readonly #containers: ContainerStore;
  readonly #host: string;
  readonly #changes = new Emitter<DevContainerChange>();
  readonly #ups = new Map<string, UpProgress>();
  #configs: readonly DevContainerConfig[] = [];
  #items = new Map<string, DevContainer>();

  readonly onChange = (listener: (change: DevContainerChange) => void) => this.#changes.on(listener);

  /** `host`: whose engine; empty: this machine's. */
  constructor(containers: ContainerStore, host = '') {
    this.#host = host;
    this.#containers = containers;
    containers.onChange(() => this.#update());
  }

  all(): DevContainer[] {
    return [...this.#items.values()];
  }

  get(key: string): DevContainer | undefined {
    return this.#items.get(key);
  }

  setConfigs(configs: readonly DevContainerConfig[]): void {
    this.#configs = configs;
    this.#update();
  }

  /** Tells what an `up` is doing; undefined: it has ended. */
  setUp(key: string, progress: UpProgress | undefined): void {
    if (progress) this.#ups.set(key, progress);
    else this.#ups.delete(key);
    this.#update();
  }

  #update(): void {
    const before = this.#items;
    this.#items = new Map(devContainersOf(this.#configs, this.#containers.all(), [...this.#ups.values()], this.#host).map((item) => [item.key, item]));
    if ([...before.keys()].join('\0') !== [...this.#items.keys()].join('\0')) {
      this.#changes.fire({ kind: 'list' });
      return;
    }
    for (const [key, item] of this.#items) {
      if (JSON.stringify(before.get(key)) !== JSON.stringify(item)) this.#changes.fire({ kind: 'item', key });
    }
  }
}
