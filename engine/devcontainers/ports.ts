import type { Duplex } from 'node:stream';
import type { BuildEvent, BuildRequestBody } from '../api/berth/build.ts';
import type { ExecCreate } from '../api/docker/container.ts';
import type { CreateBody, IdPair } from '../api/docker/run/createBody.ts';
import type { OperationContext } from '../base/context.ts';
import type { RegistryAuths } from '../registry/auth.ts';
import type { ImageConfig } from '../content/oci.ts';

/** What dev containers need of the other services. Declared here, given to the constructor by the composition root. */

export interface DevImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly config: ImageConfig;
}

export interface DevImages {
  /** Throws an error with status 404 when the image is not here. */
  resolve(ref: string): DevImage | Promise<DevImage>;
  /** Gets an image that is not here: from its registry, else in whatever way the engine knows. */
  obtain(ref: string, ctx: OperationContext & { readonly auths?: RegistryAuths }): Promise<DevImage>;
  /** The folders of an image's layers, topmost first (overlay lower directories). */
  layerFolders(imageId: string): readonly string[];
  /** Whether containers in which the engine's user is this one can stand on an image as it is; and what makes it so. */
  hasLayersFor(imageId: string, user: IdPair): boolean;
  copyLayersFor(imageId: string, user: IdPair): Promise<void>;
}

export interface DevBuild {
  /** As a client of the API asks for it. */
  readonly request: BuildRequestBody;
  readonly auths?: RegistryAuths;
}

export interface DevBuilder {
  build(build: DevBuild, ctx: OperationContext & { readonly onEvent: (event: BuildEvent) => void }): Promise<{ readonly imageId: string }>;
}

/** Processes in containers, as Docker's exec. */
export interface DevExecs {
  create(containerId: string, config: ExecCreate): string;
  /** Connects the client to the process and resolves at its end; output arrives in Docker's frames. */
  start(execId: string, client: Duplex): Promise<void>;
  /** Docker's shape: `ExitCode`, `Pid` on the host. */
  inspect(execId: string): Promise<object>;
}

export interface DevContainers {
  readonly execs: DevExecs;
  create(request: CreateBody, name: string): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  start(id: string): Promise<unknown>;
  /** `timeout` in seconds. */
  stop(id: string, options: { readonly timeout?: number }): Promise<unknown>;
  /** `volumes`: its anonymous ones too. */
  remove(id: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<unknown>;
  /** Items of Docker's `GET /containers/json`. */
  list(options: { readonly all: boolean; readonly filters: Readonly<Record<string, readonly string[]>> }): readonly object[];
  /** Docker's `GET /containers/:id/json`. */
  inspect(id: string): object;
}

export interface DevVolumes {
  /** Removes a volume with its data; no error when there is none, or when another container has it. */
  remove(name: string): Promise<void>;
}
