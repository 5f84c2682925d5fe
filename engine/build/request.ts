import type { BuildEvent } from '../api/berth/build.ts';
import type { OperationContext } from '../base/context.ts';
import type { ContextSource } from './context/openContext.ts';
import type { BuildNetwork } from './plan/graph.ts';
import type { WiderRequest } from './planned.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { CacheSource } from './ports.ts';

export interface BuildRequest extends WiderRequest {
  readonly context: ContextSource;
  /** Relative to the context; for a folder it may be absolute. Default `Dockerfile`. */
  readonly dockerfile?: string;
  /** Itself, in place of a file of the context. */
  readonly dockerfileText?: string;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly noCache?: boolean;
  /** Stages, by name or number, whose steps are done again. */
  readonly noCacheFilter?: readonly string[];
  readonly pull?: boolean;
  readonly network?: BuildNetwork;
  readonly auths?: RegistryAuths;
  /** Contents by id, for `RUN --mount=type=secret`. */
  readonly secrets?: Readonly<Record<string, Buffer>>;
  /** Paths of SSH agents' sockets on this host by id, for `RUN --mount=type=ssh`. */
  readonly sshAgents?: Readonly<Record<string, string>>;
  /** `RUN --security=insecure` may be done. */
  readonly allowInsecure?: boolean;
  /** Caches of other machines. What cannot be read is warned of. */
  readonly cacheFrom?: readonly CacheSource[];
  /** Where the steps are kept for others. */
  readonly cacheTo?: readonly CacheTarget[];
  readonly annotations?: BuildAnnotations;
  /** What becomes of the result; default: an image. */
  readonly keep?: Keep;
}

export type Annotations = Readonly<Record<string, string>>;

/** Annotations by what they are of. Those of an index, and of its rows, are nobody's where the result is none. */
export interface BuildAnnotations extends ImageAnnotations {
  readonly index?: Annotations | undefined;
  /** What is only for the image of one platform, by the platform. */
  readonly platforms?: Readonly<Record<string, ImageAnnotations>> | undefined;
}

export interface ImageAnnotations {
  /** Of an image's manifest. */
  readonly manifest?: Annotations | undefined;
  /** Of the manifest's row in the index. */
  readonly descriptor?: Annotations | undefined;
}

/** `image`: it is recorded under its names. `files`: it can be had from `BuildService.exports` for a while. */
export interface Keep {
  readonly image: boolean;
  readonly files: boolean;
}

export type CacheTarget = { readonly type: 'inline' } | { readonly type: 'registry'; readonly ref: string; readonly mode: CacheMode; readonly ignoreError: boolean } | { readonly type: 'local'; readonly mode: CacheMode };

/** `min`: the steps of the image; `max`: also those of other stages. */
export type CacheMode = 'min' | 'max';

/** `onEvent` hears of every step; `report` only of base images on their way. */
export type BuildContext = OperationContext & { readonly onEvent?: (event: BuildEvent) => void };

export interface BuildResult {
  /** Of several platforms: the one that this host runs. */
  readonly imageId: string;
  /** Where the result is an index. */
  readonly indexDigest?: string;
  /** Nothing had to be done. */
  readonly cached: boolean;
  /** Where `keep.files` are. */
  readonly exportId?: string;
}
