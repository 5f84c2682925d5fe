export interface Disposable {
  dispose(): void;
}

/** Announces values to listeners, without knowing the editor: stores and clients use it, views subscribe. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>();

  on(listener: (value: T) => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** Disposes what was given to it, last first, once. */
export class Disposables {
  #items: Disposable[] = [];
  #disposed = false;

  /** Takes ownership; after `dispose` the item is disposed at once. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    this.#disposed = true;
    for (const item of this.#items.splice(0).reverse()) item.dispose();
  }
}
