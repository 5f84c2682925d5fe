import type { Digest } from '../content/digest.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { OperationContext } from '../base/context.ts';
import type { ImageConfig } from '../content/oci.ts';
import type { BuildNetwork } from './plan/graph.ts';

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
}

/** What the builder needs of the images. */
export interface BuildImages {
  /** The image named or numbered `ref`. Throws NO_SUCH_IMAGE when it is not here. */
  resolve(ref: string): BaseImage | Promise<BaseImage>;
  /** Gets an image that is not here, or again when the build said `pull`: from its registry, else in whatever way the engine knows. */
  obtain(ref: string, ctx: OperationContext & { readonly auths?: RegistryAuths }): Promise<BaseImage>;
  /** Records a new image made of these snapshots, base first. */
  addImage(image: { config: Omit<ImageConfig, 'rootfs'>; snapshotIds: string[]; tags: string[] }): Promise<BaseImage>;
  /** Gives the image `ref` one more name. */
  tag(ref: string, name: string): void | Promise<void>;
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
  /** Without the sandbox. */
  readonly privileged: boolean;
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** Runs the command of a step. Afterwards `upperDir` holds exactly its changes, and nothing of it is mounted or running, also when cancelled. */
export interface StepRunner {
  run(step: StepRun, ctx: OperationContext): Promise<{ readonly exitCode: number }>;
}

/** Drops snapshots that the build cache no longer needs. */
export interface SnapshotCollector {
  /** Removes those of the snapshots that no image or container uses; returns the bytes freed. */
  collect(snapshotIds: readonly string[]): Promise<number>;
}
