import { execSpecSchema, upEventSchema } from '../../engine/api/berth/devcontainer.ts';
import type { ExecSpec, UpEvent, UpRequest } from '../../engine/api/berth/devcontainer.ts';
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

/** Brings a dev container up and tells what happens; ends when it is up. Throws ApiError with the engine's code. */
export async function* upDevContainer(api: ApiClient, { folder, file }: DevContainerRef, localEnv: LocalEnv, signal: AbortSignal): AsyncGenerator<UpNews> {
  const json: UpRequest = { folder, config: file, localEnv: { ...localEnv } };
  for await (const event of api.lines('POST', '/berth/v1/devcontainers/up', upEventSchema, { json, signal })) {
    if (event.type !== 'result') yield event;
    else if (event.outcome === 'success') return;
    else throw new ApiError(500, event.message, event.code, event.params);
  }
  throw new ApiError(500, 'The engine ended without a result', 'UP_CUT_SHORT');
}

/** How a shell of a running dev container is started. */
export function devContainerExecSpec(api: ApiClient, { folder, file }: DevContainerRef, localEnv: LocalEnv): Promise<ExecSpec> {
  const json = { folder, ...(file === '' ? {} : { config: file }), localEnv };
  return api.json('POST', '/berth/v1/devcontainers/exec-spec', execSpecSchema, { json });
}
