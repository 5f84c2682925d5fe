import type { Digest, DigestAlgorithm } from '../content/digest.ts';
import type { ShiftedLayers } from './shiftedLayers.ts';

/**
 * One unpacked layer: `snapshots/<id>/fs` is an overlay lower directory (whiteouts and opaque markers in overlay's form),
 * immutable once committed. Layers stand alone: an image is an ordered list of snapshots.
 */
export interface Snapshot {
  readonly id: string;
  /** The snapshot it was made on; a fact about its origin, not needed to mount it. */
  readonly parent?: string;
  /** sha256 of the layer's uncompressed tar; absent until something asked for it. */
  readonly diffId?: Digest;
  /** Bytes of file content. */
  readonly size: number;
  /** RFC 3339, UTC. */
  readonly created: string;
}

/** A snapshot being filled. Disposing it before `commit` removes it whole. */
export interface PendingSnapshot extends AsyncDisposable {
  readonly id: string;
  /** The folder to fill: will be the overlay lower directory. */
  readonly dir: string;
  commit(meta: { parent?: string; diffId?: Digest }): Promise<Snapshot>;
}

export interface SnapshotStore {
  /** Copies whose files belong to others. */
  readonly shifted: Pick<ShiftedLayers, 'has' | 'dir' | 'ensure' | 'size' | 'prune'>;
  get(id: string): Snapshot | undefined;
  findByDiffId(diffId: Digest): Snapshot | undefined;
  list(): readonly Snapshot[];
  /** The overlay lower directory of a snapshot (absolute). */
  lowerDir(id: string): string;
  begin(): Promise<PendingSnapshot>;
  /** Takes over an overlay upper directory (same file system, unmounted) by renaming it: no copy. */
  adopt(upperDir: string, meta: { parent?: string }): Promise<Snapshot>;
  /** The layer's tar identity: digest and size in bytes of the uncompressed tar. Computed once, then kept. */
  identify(id: string): Promise<{ readonly diffId: Digest; readonly size: number }>;
  /** The digest of the layer's tar by this algorithm, under which it is found from then on. By another than sha256 its tar is read once more. */
  digestAs(id: string, algorithm: DigestAlgorithm): Promise<Digest>;
  /** The layer's uncompressed tar, the very bytes that `identify` digested. */
  openTar(id: string): Promise<NodeJS.ReadableStream>;
  remove(id: string): Promise<void>;
}
