import { execSpecSchema, upEventSchema } from '../../engine/api/berth/devcontainer.ts';
import type { ExecSpec, UpEvent, UpRequest } from '../../engine/api/berth/devcontainer.ts';
import { webEventSchema } from '../../engine/api/berth/webEditor.ts';
import type { WebAddress, WebRequest } from '../../engine/api/berth/webEditor.ts';
import { ApiError } from '../../engine/api/client.ts';
import type { ApiClient } from '../../engine/api/client.ts';

export interface DevContainerRef {
  readonly folder: string;
  /** Absolute path of its devcontainer.json. */
  readonly file: string;
}

export type LocalEnv = Readonly<Record<string, string>>;

/** What `up` says on its way; the result is not among it. */
export type UpNews = Exclude<UpEvent, { type: 'result' }>;

/** `cached`: a new container, from an image of which only what changed is built again. `clean`: everything is built again. */
export type Rebuild = 'cached' | 'clean';

export interface UpOutcome {
  readonly containerId: string;
  readonly remoteWorkspaceFolder: string;
}

export interface UpOptions {
  readonly localEnv: LocalEnv;
  /** The header with the user's logins at registries. */
  readonly logins: Readonly<Record<string, string>>;
  readonly rebuild: Rebuild | undefined;
}

/** Brings a dev container up and tells what happens. Throws ApiError with the engine's code. */
export async function upDevContainer(api: ApiClient, { folder, file }: DevContainerRef, { localEnv, logins, rebuild }: UpOptions, tell: (news: UpNews) => void, signal: AbortSignal): Promise<UpOutcome> {
  const json: UpRequest = { folder, ...(file === '' ? {} : { config: file }), localEnv: { ...localEnv }, ...(rebuild === undefined ? {} : { removeExistingContainer: true, noCache: rebuild === 'clean' }) };
  for await (const event of api.lines('POST', '/berth/v1/devcontainers/up', upEventSchema, { json, headers: logins, signal })) {
    if (event.type !== 'result') tell(event);
    else if (event.outcome === 'success') return event;
    else throw new ApiError(500, event.message, event.code, event.params);
  }
  throw new ApiError(500, 'The engine ended without a result', 'UP_CUT_SHORT');
}

/** Starts the editor in a running dev container and returns where it is. Throws ApiError with the engine's code. */
export async function webEditorOf(api: ApiClient, { folder, file }: DevContainerRef, localEnv: LocalEnv, tell: (news: UpNews) => void, signal: AbortSignal): Promise<WebAddress> {
  const json: WebRequest = { folder, ...(file === '' ? {} : { config: file }), localEnv: { ...localEnv } };
  for await (const event of api.lines('POST', '/berth/v1/devcontainers/web', webEventSchema, { json, signal })) {
    if (event.type !== 'result') tell(event);
    else if (event.outcome === 'success') return event;
    else throw new ApiError(500, event.message, event.code, event.params);
  }
  throw new ApiError(500, 'The engine ended without a result', 'UP_CUT_SHORT');
}

/** How a shell of a running dev container is started. */
export function devContainerExecSpec(api: ApiClient, { folder, file }: DevContainerRef, localEnv: LocalEnv): Promise<ExecSpec> {
  const json = { folder, ...(file === '' ? {} : { config: file }), localEnv };
  return api.json('POST', '/berth/v1/devcontainers/exec-spec', execSpecSchema, { json });
}
