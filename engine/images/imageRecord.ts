import type { Digest } from '../content/digest.ts';
import type { Descriptor, ImageConfig } from '../content/oci.ts';

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
  /** What its names mean besides this image, if they mean an index. */
  readonly index?: ImageIndex;
  /** The name under which a registry has this one for another platform. */
  readonly platformOf?: string;
}

/** Images of several platforms under one name, and what was attested of each. */
export interface ImageIndex {
  readonly descriptor: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  /** Its rows, as they stand in it. */
  readonly manifests: readonly Descriptor[];
  /** One for each platform, without names. The first that this host runs is the image that the names mean where one is wanted. */
  readonly images: readonly ImageRecord[];
}

/** All layers that the names of an image mean, for each platform. */
export function allLayers({ layers, index }: Pick<ImageRecord, 'layers' | 'index'>): readonly ImageLayer[] {
  return index ? index.images.flatMap((image) => image.layers) : layers;
}
