import type { Digest } from '../content/digest.ts';
import type { ImageConfig } from '../content/oci.ts';

export interface ImageLayer {
  readonly diffId: Digest;
  readonly snapshotId: string;
}

/** An image that is here, whole. */
export interface ImageRecord {
  /** Digest of the configuration. */
  readonly id: Digest;
  readonly manifestDigest: Digest;
  /** `debian:bookworm`, `localhost:5000/app:1`. */
  readonly repoTags: readonly string[];
  /** `debian@sha256:…`: what registries called it. */
  readonly repoDigests: readonly string[];
  readonly config: ImageConfig;
  /** Base first. */
  readonly layers: readonly ImageLayer[];
  /** Bytes of file content of all layers. */
  readonly size: number;
  /** RFC 3339, UTC. */
  readonly created: string;
}
