import { Emitter } from '../base/emitter.ts';
import type { Container } from './containerState.ts';

/** `items`: the containers whose row changed. `list`: which containers there are changed. */
export type ContainerChange = { readonly kind: 'list' } | { readonly kind: 'item'; readonly id: string };

/** The containers of one engine, as the events told it. Announces changes, item by item; decides nothing. */
export class ContainerStore {
  readonly #containers = new Map<string, Container>();
  readonly #changes = new Emitter<ContainerChange>();

  readonly onChange = (listener: (change: ContainerChange) => void) => this.#changes.on(listener);

  /** Sorted by name. */
  all(): Container[] {
    return [...this.#containers.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  get(id: string): Container | undefined {
    return this.#containers.get(id);
  }

  running(): number {
    return [...this.#containers.values()].filter((container) => container.state === 'running').length;
  }

  /** Replaces everything: after connecting, and with nothing after the connection was lost. */
  replaceAll(containers: readonly Container[]): void {
    const before = this.#containers.size;
    this.#containers.clear();
    for (const container of containers) this.#containers.set(container.id, container);
    if (before > 0 || containers.length > 0) this.#changes.fire({ kind: 'list' });
  }

  /** Puts one container as it is now. A change of name is a change of the list, which is sorted by name. */
  put(container: Container): void {
    const before = this.#containers.get(container.id);
    this.#containers.set(container.id, container);
    if (before?.name !== container.name) this.#changes.fire({ kind: 'list' });
    else if (JSON.stringify(before) !== JSON.stringify(container)) this.#changes.fire({ kind: 'item', id: container.id });
  }

  remove(id: string): void {
    if (this.#containers.delete(id)) this.#changes.fire({ kind: 'list' });
  }
}
