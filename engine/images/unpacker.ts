import type { Readable } from 'node:stream';
import { digestMismatch } from '../content/contentStore.ts';
import type { Digest } from '../content/oci.ts';
import { decompressed } from '../host/tar/decompress.ts';
import { unpackLayer } from '../host/tar/unpackLayer.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageLayer } from './imageRecord.ts';

/** Makes snapshots of layer tars, each layer once: two callers with the same layer share the work. */
export class Unpacker {
  readonly #snapshots: FileSnapshotStore;
  readonly #running = new Map<string, Promise<ImageLayer>>();
  readonly #held = new Map<string, number>();

  constructor(snapshots: FileSnapshotStore) {
    this.#snapshots = snapshots;
  }

  /** Snapshots that were made for images which are not recorded yet: garbage collection must leave them. */
  held(): ReadonlySet<string> {
    return new Set(this.#held.keys());
  }

  /** Keeps a snapshot from collection until the result is called. */
  hold(snapshotId: string): () => void {
    this.#held.set(snapshotId, (this.#held.get(snapshotId) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#held.get(snapshotId) ?? 1) - 1;
      if (left === 0) this.#held.delete(snapshotId);
      else this.#held.set(snapshotId, left);
    };
  }

  /** The layer with this diffID: the one that is here, or unpacked from what `open` gives. Throws DIGEST_MISMATCH. */
  async layer(diffId: Digest, open: () => Promise<Readable>, signal: AbortSignal): Promise<ImageLayer> {
    const known = this.#snapshots.findByDiffId(diffId);
    if (known) return { diffId, snapshotId: known.id };
    const running = this.#running.get(diffId) ?? this.#start(diffId, open, signal);
    return running;
  }

  #start(diffId: Digest, open: () => Promise<Readable>, signal: AbortSignal): Promise<ImageLayer> {
    const work = open()
      .then((source) => this.unpack(source, signal, diffId))
      .finally(() => this.#running.delete(diffId));
    this.#running.set(diffId, work);
    return work;
  }

  /** Digest and size of a snapshot's tar. */
  identify(snapshotId: string): Promise<{ readonly diffId: Digest; readonly size: number }> {
    return this.#snapshots.identify(snapshotId);
  }

  /** Unpacks one layer, plain or compressed, into a new snapshot. */
  async unpack(source: Readable, signal: AbortSignal, expected?: Digest): Promise<ImageLayer> {
    await using pending = await this.#snapshots.begin();
    try {
      const { diffId, size, recipe } = await unpackLayer(await decompressed(source), pending.dir, { signal, replacedDir: pending.replacedDir });
      if (expected !== undefined && diffId !== expected) throw digestMismatch({ what: 'A layer, unpacked,', expected, found: diffId });
      const same = this.#snapshots.findByDiffId(diffId);
      if (same) return { diffId, snapshotId: same.id };
      const snapshot = await pending.commit({ diffId, tarSize: size, recipe });
      return { diffId, snapshotId: snapshot.id };
    } finally {
      source.destroy();
    }
  }
}
