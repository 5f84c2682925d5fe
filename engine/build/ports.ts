import type { Readable } from 'node:stream';
import type { Digest } from '../content/digest.ts';
import type { OperationContext } from '../base/context.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { Platform } from '../base/platform.ts';
import type { DeviceEdits } from '../host/cdi.ts';
import type { CacheDocument } from '../content/buildCache.ts';
import type { Descriptor, ImageConfig } from '../content/oci.ts';
import type { BuildNetwork, CommandSettings } from './plan/graph.ts';

export interface BaseLayer {
  readonly diffId: Digest;
  readonly snapshotId: string;
}

/** An image that a stage starts from or copies from. */
export interface BaseImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Base first. */
  readonly layers: readonly BaseLayer[];
  readonly manifestDigest?: Digest;
  /** What registries call it. */
  readonly repoDigests?: readonly string[];
}

/** What is said of an image. */
export interface Predicate {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** An image of an index that is made. `annotations`: of its row there. */
export interface IndexMember {
  readonly imageId: string;
  readonly predicates: readonly Predicate[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** An index, and the image of it that this host runs. */
export interface MadeIndex extends BaseImage {
  readonly index?: { readonly descriptor: { readonly digest: Digest } };
}

/** What the builder needs of the images. */
export interface BuildImages {
  /** The image named or numbered `ref`, for that platform. Throws NO_SUCH_IMAGE, IMAGE_PLATFORM_MISSING when it is not here. */
  resolve(ref: string, platform?: Platform): BaseImage | Promise<BaseImage>;
  /** Gets an image that is not here, or again when the build said `pull`: from its registry, else in whatever way the engine knows. */
  obtain(ref: string, ctx: OperationContext & { readonly auths?: RegistryAuths; readonly platform?: Platform }): Promise<BaseImage>;
  /** The image of an OCI layout on this host; `ref`: a tag or digest in it. It gets no name. */
  fromLayout(path: string, ref: string | undefined, platform: Platform, ctx: OperationContext): Promise<BaseImage>;
  /** Records a new image made of these snapshots, base first. */
  addImage(image: { config: Omit<ImageConfig, 'rootfs'>; snapshotIds: string[]; tags: string[]; annotations?: Readonly<Record<string, string>> }): Promise<BaseImage>;
  /** The configuration of an image that is here, byte for byte. */
  readConfig(id: string): Promise<Buffer>;
  /** Puts images into one index under these names, with what is attested of each. */
  addIndex(members: readonly IndexMember[], tags: readonly string[], annotations: Readonly<Record<string, string>>): Promise<MadeIndex>;
  /** Takes an index away that has no name. */
  discardIndex(digest: string): Promise<void>;
  /** What is installed in an image. */
  sbom(imageId: string, signal: AbortSignal): Promise<Predicate>;
  /** Gives the image `id` one more name. */
  tag(id: string, name: string): void | Promise<void>;
}

/** What a step sees besides its file system. A file exists only while the step runs, and not on a disk where there is memory for it. */
export type StepMount =
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }
  | { readonly kind: 'file'; readonly target: string; readonly content: Uint8Array; readonly mode: number; readonly uid: number; readonly gid: number };

/** One RUN, to be done in a container of its own. */
export interface StepRun {
  /** Topmost first. */
  readonly lowerDirs: string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly args: string[];
  readonly env: string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly StepMount[];
  readonly network: BuildNetwork;
  readonly settings?: CommandSettings;
  /** Without the sandbox. */
  readonly privileged: boolean;
  readonly devices?: DeviceEdits;
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** Runs the command of a step. Afterwards `upperDir` holds exactly its changes, and nothing of it is mounted or running, also when cancelled. */
export interface StepRunner {
  run(step: StepRun, ctx: OperationContext): Promise<{ readonly exitCode: number }>;
}

/** A RUN that failed, with the files as it left them. */
export interface FailedRun {
  /** Base first; what the command wrote is not among them. */
  readonly snapshotIds: readonly string[];
  /** What the command wrote: it is given away. */
  readonly upperDir: string;
  readonly shell: string;
  readonly env: readonly string[];
  /** What the build gave to the command only, with secrets. */
  readonly secretEnv: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly StepMount[];
  readonly network: BuildNetwork;
  readonly settings?: CommandSettings;
  readonly privileged: boolean;
  readonly platform: Platform;
  readonly tty: boolean;
}

/** A container to look at a failed command in; it is not started. Disposing it removes it. */
export interface DebugContainer extends AsyncDisposable {
  readonly id: string;
  /** Resolves when its shell has ended, after it was started. */
  ended(signal: AbortSignal): Promise<void>;
}

/** Makes containers of failed commands. */
export interface RunDebugger {
  open(failed: FailedRun): Promise<DebugContainer>;
}

/** Drops snapshots that the build cache no longer needs. */
export interface SnapshotCollector {
  /** Removes those of the snapshots that no image or container uses; returns the bytes freed. */
  collect(snapshotIds: readonly string[]): Promise<number>;
}

/** A layer with the digest and size of its tar. */
export type ImageLayerHere = BaseLayer & { readonly size: number };

/** Where a build cache is read. `folder`: an OCI layout on this host. `image`: an image that is here, else a registry's. */
export type CacheSource = { readonly type: 'registry' | 'image'; readonly ref: string } | { readonly type: 'local'; readonly folder: string; readonly tag?: string };

/** A layer of an opened cache. */
export interface CachedLayer {
  readonly diffId: Digest;
  /** What the cache keeps it as. */
  readonly blob: Descriptor;
  /** The snapshot, if the layer is here; it stays as long as the cache is open. */
  here(): string | undefined;
  /** Gets it, its digests checked; the snapshot stays as long as the cache is open. Throws BUILD_CACHE_LAYER. */
  fetch(ctx: OperationContext): Promise<string>;
  /** The blob as it is, for another cache. */
  open(signal: AbortSignal): Promise<Readable>;
}

export interface OpenedCache extends AsyncDisposable {
  /** For people. */
  readonly name: string;
  readonly document: CacheDocument;
  layer(index: number): CachedLayer;
}

/** A layer for a cache that is written: one that is here, or one that another cache has. */
export type ExportedLayer = { readonly snapshotId: string } | CachedLayer;

/** A build cache to be written. `layers`: those that the records name. */
export interface CacheToWrite {
  readonly records: CacheDocument['records'];
  readonly layers: readonly ExportedLayer[];
}

/** Build caches outside of this engine. */
export interface BuildCaches {
  /** One, or of an index those that are inside its images for these platforms. Throws REGISTRY_*, BUILD_CACHE_INVALID. */
  open(source: CacheSource, platforms: readonly Platform[], auths: RegistryAuths | undefined, signal: AbortSignal): Promise<readonly OpenedCache[]>;
  /** Writes a cache to a registry: whoever reads meanwhile sees the one before or this one. Throws REGISTRY_*. */
  push(ref: string, cache: CacheToWrite, auths: RegistryAuths | undefined, ctx: OperationContext): Promise<void>;
}
