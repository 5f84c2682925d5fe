import { z } from 'zod';
import { ApiError } from '../../engine/api/client.ts';
import type { ApiClient } from '../../engine/api/client.ts';

export interface UpProgressLine {
  readonly kind: 'step' | 'output';
  readonly text: string;
}

const upLineSchema = z.looseObject({ type: z.string().optional(), message: z.string().optional() });

/** Brings a dev container up and tells what happens; returns when it is up. Throws ApiError with the engine's code. */
export async function* upDevContainer(api: ApiClient, config: { folder: string; file: string }, signal: AbortSignal): AsyncGenerator<UpProgressLine> {
  const json = { workspaceFolder: config.folder, config: config.file };
  for await (const line of api.lines('POST', '/berth/v1/devcontainers/up', upLineSchema, { json, signal })) {
    if (line.type === 'error') throw new ApiError(500, line.message ?? '');
    yield { kind: 'step', text: line.message ?? '' };
  }
}

/** Where a shell of a dev container belongs. */
export async function devContainerShell(api: ApiClient, containerId: string): Promise<{ user: string; workingDir: string; env: string[] }> {
  const spec = await api.json('GET', `/berth/v1/devcontainers/${containerId}/exec-spec`, z.looseObject({ user: z.string(), workingDir: z.string(), env: z.array(z.string()) }));
  return spec;
}
