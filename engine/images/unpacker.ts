import { addAbortListener } from 'node:events';
import type { Readable } from 'node:stream';
import { algorithmOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { cancelled } from '../base/errors.ts';
import { digestMismatch } from '../content/contentStore.ts';
import { decompressed } from '../host/tar/decompress.ts';
import { unpackLayer } from '../host/tar/unpackLayer.ts';
import type { UnpackJob, UnpackResult } from '../host/tar/unpackMessages.ts';
import type { UnpackThreads } from '../host/tar/unpackThreads.ts';
import type { FileSnapshotStore } from '../snapshots/fileSnapshotStore.ts';
import type { ImageLayer } from './imageRecord.ts';
import type { LayerHolds } from './layerHolds.ts';

/** Makes snapshots of layer tars, each layer once: two callers with the same layer share the work. */
export class Unpacker {
  readonly #snapshots: FileSnapshotStore;
  readonly #threads: UnpackThreads | undefined;
  readonly #running = new Map<Digest, Promise<ImageLayer>>();

  /** `threads`: where layers are unpacked; without them this thread does it, and nothing else meanwhile. */
  constructor(snapshots: FileSnapshotStore, threads?: UnpackThreads) {
    this.#snapshots = snapshots;
    this.#threads = threads;
  }

  /** The layer with this diffID if it is here; then it is held. */
  known(diffId: Digest, holds: LayerHolds): ImageLayer | undefined {
    const snapshot = this.#snapshots.findByDiffId(diffId);
    if (!snapshot) return undefined;
    holds.add(snapshot.id);
    return { diffId, snapshotId: snapshot.id };
  }

  /** The layer with this diffID, held: the one that is here, or unpacked from what `open` gives. Throws DIGEST_MISMATCH. */
  async layer(diffId: Digest, open: () => Promise<Readable>, holds: LayerHolds, signal: AbortSignal): Promise<ImageLayer> {
    for (;;) {
      const known = this.known(diffId, holds);
      if (known) return known;
      const running = this.#running.get(diffId);
      if (!running) return this.#start(diffId, open, holds, signal);
      await orAborted(running, signal).catch((error: unknown) => {
        if (signal.aborted || !isCancellation(error)) throw error;
        // Whoever was at it gave up; that is not our caller's wish, so it is our turn.
      });
    }
  }

  async #start(diffId: Digest, open: () => Promise<Readable>, holds: LayerHolds, signal: AbortSignal): Promise<ImageLayer> {
    const work = open().then((source) => this.unpack(source, holds, signal, diffId));
    this.#running.set(diffId, work);
    try {
      return await work;
    } finally {
      this.#running.delete(diffId);
    }
  }

  /** The layer, if its tar has this digest, by whatever algorithm. Throws DIGEST_MISMATCH. */
  async checked(snapshotId: string, expected: Digest, what: string): Promise<ImageLayer> {
    const found = await this.#snapshots.digestAs(snapshotId, algorithmOf(expected));
    if (found !== expected) throw digestMismatch({ what, expected, found });
    return { diffId: expected, snapshotId };
  }

  /** Digest and size of a snapshot's tar. */
  identify(snapshotId: string): Promise<{ readonly diffId: Digest; readonly size: number }> {
    return this.#snapshots.identify(snapshotId);
  }

  /** Unpacks one layer, plain or compressed, into a snapshot, held. Ends `source`. */
  async unpack(source: Readable, holds: LayerHolds, signal: AbortSignal, expected?: Digest): Promise<ImageLayer> {
    await using pending = await this.#snapshots.begin();
    try {
      const { diffId, size, contentSize } = await this.#write(source, pending, signal);
      const isOurs = expected === undefined || algorithmOf(expected) === algorithmOf(diffId);
      if (isOurs && expected !== undefined && diffId !== expected) throw digestMismatch({ what: 'A layer, unpacked,', expected, found: diffId });
      const same = this.known(diffId, holds);
      if (!same) {
        holds.add(pending.id);
        await pending.commit({ diffId, tarSize: size, size: contentSize });
      }
      const snapshotId = same?.snapshotId ?? pending.id;
      return isOurs ? { diffId, snapshotId } : await this.checked(snapshotId, expected, 'A layer, unpacked,');
    } finally {
      source.destroy();
    }
  }

  async #write(source: Readable, { dir, replacedDir, recipePath }: UnpackJob, signal: AbortSignal): Promise<UnpackResult> {
    if (this.#threads) return this.#threads.unpack(source, { dir, replacedDir, recipePath }, signal);
    const { recipe, ...result } = await unpackLayer(await decompressed(source), dir, { signal, replacedDir });
    await recipe.save(recipePath);
    return result;
  }
}

/** What others are at; who waits for it can give up by themselves. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason as Error));
  return await Promise.race([work, promise]);
}

function isCancellation(error: unknown): boolean {
  return cancelled.is(error) || (error instanceof Error && error.name === 'AbortError');
}
