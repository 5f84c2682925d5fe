/** Counts who needs which snapshot for an image that is not recorded yet: collection must leave those. */
export class HeldSnapshots {
  readonly #counts = new Map<string, number>();

  has(snapshotId: string): boolean {
    return this.#counts.has(snapshotId);
  }

  /** What one operation holds; it releases all at once, when its image is recorded or given up. */
  open(): LayerHolds {
    return new LayerHolds(this.#counts);
  }
}

export class LayerHolds {
  readonly #counts: Map<string, number>;
  readonly #ids = new Set<string>();

  constructor(counts: Map<string, number>) {
    this.#counts = counts;
  }

  add(snapshotId: string): void {
    if (this.#ids.has(snapshotId)) return;
    this.#ids.add(snapshotId);
    this.#counts.set(snapshotId, (this.#counts.get(snapshotId) ?? 0) + 1);
  }

  /** Returns what was held. */
  release(): string[] {
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
