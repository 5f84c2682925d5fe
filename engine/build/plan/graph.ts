import type { ExtraHost } from '../../api/docker/run/extraHost.ts';
import type { History, RunConfig } from '../../content/oci.ts';
import type { ModeChange } from '../copy/mode.ts';
import type { Platform } from '../../base/platform.ts';
import type { Place } from '../errors.ts';
import type { RemoteSource } from '../remote/remoteSource.ts';
import type { BaseLayer } from '../ports.ts';

export type BuildNetwork = 'default' | 'none' | 'host';

/** What all commands of a build are given: names for their /etc/hosts, the size of their /dev/shm (bytes), and limits. */
export interface CommandSettings {
  readonly hosts?: readonly ExtraHost[];
  readonly shmSize?: number;
  readonly ulimits?: ReadonlyArray<{ readonly Name: string; readonly Soft: number; readonly Hard: number }>;
}

/** An image's file system; without layers: scratch. */
export interface SourceOp {
  readonly kind: 'source';
  readonly ref: string;
  /** Base first. */
  readonly layers: readonly BaseLayer[];
}

export interface RunOp {
  readonly kind: 'run';
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Proxies, and the time that everything is to have: given to the command, no part of what it means. */
  readonly hiddenEnv: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly network: BuildNetwork;
  /** Absent: nothing out of the ordinary. */
  readonly settings?: CommandSettings;
  readonly mounts: readonly RunMount[];
  /** Without the sandbox: `--security=insecure`. */
  readonly insecure: boolean;
  /** Of this host, by the names that the Container Device Interface gives them. */
  readonly devices?: ReadonlyArray<{ readonly name: string; readonly required: boolean }>;
  /** Of the programs, where it is not that of this host. */
  readonly platform?: BuildPlatform;
}

/** What a RUN sees besides the files below it; nothing of it gets into the layer. Targets are absolute. `context`: a named one in place of the build's own. */
export type RunMount =
  /** Files of the context, or of the step that the plan names for this mount; what is written there is thrown away. */
  | { readonly kind: 'bind'; readonly target: string; readonly source: string; readonly writable: boolean; readonly context?: string }
  /** A folder that outlives the build. */
  | { readonly kind: 'cache'; readonly target: string; readonly id: string; readonly source: string; readonly writable: boolean; readonly sharing: 'shared' | 'private' | 'locked'; readonly mode: number; readonly uid: number; readonly gid: number; readonly context?: string }
  /** `size` in bytes. */
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }
  | { readonly kind: 'secret'; readonly id: string; readonly target?: string; readonly env?: string; readonly required: boolean; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly kind: 'ssh'; readonly id: string; readonly target: string; readonly required: boolean }
  /** A document of the Dockerfile as a program. */
  | { readonly kind: 'script'; readonly target: string; readonly content: string };

/** A file written in the Dockerfile itself. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

export interface CopyOp {
  readonly kind: 'copy';
  /** In the context, or in the step's second input; wildcards allowed. */
  readonly sources: readonly string[];
  readonly inline: readonly InlineFile[];
  /** Downloaded when the step is done. */
  readonly remotes?: readonly RemoteSource[];
  /** Absolute; with a trailing slash it is a folder. */
  readonly dest: string;
  /** `user[:group]`; absent: root for the context, kept for stages. */
  readonly owner?: string;
  readonly mode?: ModeChange;
  /** Patterns in the notation of .dockerignore, relative to each source. */
  readonly exclude?: readonly string[];
  /** The folders above each source are kept: those behind `/./`, where it is written. */
  readonly parents?: boolean;
  /** ADD: local archives are unpacked. */
  readonly unpack: boolean;
  /** The named context that the sources are in; absent: the build's own. */
  readonly context?: string;
}

export interface WorkdirOp {
  readonly kind: 'workdir';
  readonly path: string;
  /** The stage's user, who owns what has to be made. */
  readonly owner: string;
}

export type Op = SourceOp | RunOp | CopyOp | WorkdirOp;

/** A node of the graph. Equal steps of different stages are one node: `id` is the digest of the operation and its inputs' ids. */
export interface Step {
  readonly id: string;
  readonly op: Op;
  /** The step whose file system this one changes. */
  readonly parent?: string;
  /** The step whose files a COPY --from reads. */
  readonly from?: string;
  /** For each mount of a RUN, the step whose files it shows; absent: the context's, or none at all. */
  readonly mounts?: ReadonlyArray<string | undefined>;
  /** Where it first stands in the Dockerfile. */
  readonly place: Place;
  /** Part of the image that is built, not only of a stage it copies from. */
  readonly final: boolean;
}

/** One line of the progress: `Step 3/7 : RUN make`. Without `step` it only changes the image's configuration. */
export interface PlannedInstruction {
  /** From 1. */
  readonly index: number;
  readonly line: number;
  /** The stage's name, else its number. */
  readonly stage: string;
  readonly text: string;
  readonly step?: string;
}

/** One entry of the image's history. Without `step` no layer belongs to it. */
export interface PlannedHistory {
  readonly createdBy: string;
  readonly step?: string;
}

/** What has to be done for one image. Pure data: equal inputs make equal plans. */
export interface BuildPlan {
  readonly steps: ReadonlyMap<string, Step>;
  readonly instructions: readonly PlannedInstruction[];
  /** The step whose file system is the result. */
  readonly target: string;
  readonly config: RunConfig;
  readonly history: readonly PlannedHistory[];
  readonly baseHistory: readonly History[];
  readonly author?: string;
  readonly platform: BuildPlatform;
  /** Seconds since 1970, from the build argument SOURCE_DATE_EPOCH. */
  readonly epoch?: number;
  readonly warnings: readonly string[];
  readonly missing: readonly MissingVariable[];
}

/** A variable that an instruction uses and that nothing has set. */
export interface MissingVariable {
  readonly name: string;
  readonly place: Place;
  /** The stage's number. */
  readonly stage: number;
  /** Those that are set there. */
  readonly known: readonly string[];
}

export type BuildPlatform = Platform;

/** What a name means instead of a stage or an image (`--build-context`): another image, or files. */
export type ContextMeaning = { readonly kind: 'image'; readonly ref: string } | { readonly kind: 'files' };

export interface PlanOptions {
  /** A stage's name or number; absent: the last stage. */
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly network: BuildNetwork;
  readonly settings?: CommandSettings;
  /** What the image is for. */
  readonly platform: BuildPlatform;
  /** Whether that was asked for: then images that it starts from must be for it. */
  readonly platformAsked?: boolean;
  /** What this host is; absent: what the image is for. */
  readonly buildPlatform?: BuildPlatform;
  /** By name, as `contextName` writes it. */
  readonly contexts?: ReadonlyMap<string, ContextMeaning>;
  /** `RUN --security=insecure` may be done. */
  readonly allowsInsecure?: boolean;
  /** `RUN --device` may be done. */
  readonly allowsDevices?: boolean;
}
