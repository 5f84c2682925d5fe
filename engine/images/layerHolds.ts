/** Counts who needs which snapshot for an image that is not recorded yet: collection must leave those. */
export class HeldSnapshots {
  readonly #counts = new Map<string, number>();
  #open = 0;

  has(snapshotId: string): boolean {
    return this.#counts.has(snapshotId);
  }

  /** Whether an operation that will record an image is under way. */
  some(): boolean {
    return this.#open > 0;
  }

  /** What one operation holds; it releases all at once, when its image is recorded or given up. */
  open(): LayerHolds {
    this.#open += 1;
    return new LayerHolds(this.#counts, () => (this.#open -= 1));
  }
}

export class LayerHolds {
  readonly #counts: Map<string, number>;
  readonly #ids = new Set<string>();
  readonly #over: () => void;
  #released = false;

  constructor(counts: Map<string, number>, over: () => void) {
    this.#counts = counts;
    this.#over = over;
  }

  add(snapshotId: string): void {
    if (this.#ids.has(snapshotId)) return;
    this.#ids.add(snapshotId);
    this.#counts.set(snapshotId, (this.#counts.get(snapshotId) ?? 0) + 1);
  }

  /** Returns what was held. */
  release(): string[] {
    if (!this.#released) this.#over();
    this.#released = true;
    const ids = [...this.#ids];
    this.#ids.clear();
    for (const id of ids) {
      const left = (this.#counts.get(id) ?? 1) - 1;
      if (left === 0) this.#counts.delete(id);
      else this.#counts.set(id, left);
    }
    return ids;
  }
}
