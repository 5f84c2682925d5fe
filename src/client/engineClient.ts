import type { Socket } from 'node:net';
import { z } from 'zod';
import { engineStatusSchema } from '../../engine/api/berth/engine.ts';
import type { EngineStatus } from '../../engine/api/berth/engine.ts';
import type { ApiClient } from '../../engine/api/client.ts';
import { ApiError } from '../../engine/api/client.ts';
import { eventSchema } from '../../engine/api/docker/event.ts';
import type { EngineEvent } from '../../engine/api/docker/event.ts';
import { containerDetailsSchema, containerRowSchema, execCreatedSchema, execStateSchema } from './container.ts';
import type { ContainerDetails, ContainerRow } from './container.ts';
import { Demultiplexer } from './multiplexed.ts';

export interface ExecRequest {
  readonly command: readonly string[];
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
  /** `NAME=value`. */
  readonly env?: readonly string[] | undefined;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface LogOptions {
  /** Lines from the end, of what is there already. */
  readonly tail?: number;
  /** Unix seconds. */
  readonly since?: number;
}

/** The engine's resources, as the extension uses them. Works against a Docker socket too. */
export class EngineClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  /** The engine behind the socket; undefined when it is a Docker daemon. */
  async engineStatus(signal?: AbortSignal): Promise<EngineStatus | undefined> {
    try {
      return await this.#api.json('GET', '/berth/v1/engine', engineStatusSchema, signal ? { signal } : {});
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Opens the event stream: resolves once the engine answers, so that what is listed afterwards is never older. */
  async events(signal: AbortSignal): Promise<AsyncGenerator<EngineEvent>> {
    const filters = JSON.stringify({ type: ['container', 'devcontainer'] });
    return eventsOf(await this.#api.stream('GET', '/events', { query: { filters }, signal }));
  }

  listContainers(): Promise<ContainerRow[]> {
    return this.#api.json('GET', '/containers/json', z.array(containerRowSchema), { query: { all: 1 } });
  }

  /** One container as it is now; undefined when there is none (any more). */
  async containerDetails(id: string): Promise<ContainerDetails | undefined> {
    try {
      return await this.#api.json('GET', `/containers/${id}/json`, containerDetailsSchema);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  inspectContainer(id: string): Promise<unknown> {
    return this.#api.json('GET', `/containers/${id}/json`, z.unknown());
  }

  startContainer(id: string): Promise<unknown> {
    return this.#api.send('POST', `/containers/${id}/start`);
  }

  stopContainer(id: string): Promise<unknown> {
    return this.#api.send('POST', `/containers/${id}/stop`);
  }

  restartContainer(id: string): Promise<unknown> {
    return this.#api.send('POST', `/containers/${id}/restart`);
  }

  unpauseContainer(id: string): Promise<unknown> {
    return this.#api.send('POST', `/containers/${id}/unpause`);
  }

  /** Removes the container and its anonymous volumes; `force` kills it first. */
  removeContainer(id: string, force: boolean): Promise<unknown> {
    return this.#api.send('DELETE', `/containers/${id}`, { query: { force: force ? 1 : 0, v: 1 } });
  }

  /** The container's output from now on (and `tail` lines before), until it stops or `signal` aborts. */
  async *followLogs(id: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
    const details = await this.#api.json('GET', `/containers/${id}/json`, containerDetailsSchema, { signal });
    const query = { follow: 1, stdout: 1, stderr: 1, tail: options.tail ?? 'all', since: options.since };
    const response = await this.#api.stream('GET', `/containers/${details.Id}/logs`, { query, signal });
    const demultiplexer = details.Config.Tty === true ? undefined : new Demultiplexer();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (!demultiplexer) yield chunk;
      else for (const frame of demultiplexer.push(chunk)) yield frame.data;
    }
  }

  async createExec(containerId: string, request: ExecRequest): Promise<string> {
    const json = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      Cmd: request.command,
      Env: request.env ?? [],
      ...(request.user ? { User: request.user } : {}),
      ...(request.workingDir ? { WorkingDir: request.workingDir } : {}),
    };
    return (await this.#api.json('POST', `/containers/${containerId}/exec`, execCreatedSchema, { json })).Id;
  }

  /** Starts the process and returns its terminal: what is written is typed, what is read is its output. */
  async startExec(execId: string): Promise<Socket> {
    return (await this.#api.hijack('POST', `/exec/${execId}/start`, { json: { Detach: false, Tty: true } })).socket;
  }

  resizeExec(execId: string, size: TerminalSize): Promise<unknown> {
    return this.#api.send('POST', `/exec/${execId}/resize`, { query: { h: size.rows, w: size.columns } });
  }

  /** The exit status of an exec that has ended; undefined while it runs. */
  async execExitCode(execId: string): Promise<number | undefined> {
    const state = await this.#api.json('GET', `/exec/${execId}/json`, execStateSchema);
    return state.Running ? undefined : (state.ExitCode ?? 0);
  }
}

async function* eventsOf(response: NodeJS.ReadableStream): AsyncGenerator<EngineEvent> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // A newer engine may announce kinds of things that this version does not know: they are not for it.
      const event = line.trim() === '' ? undefined : eventSchema.safeParse(JSON.parse(line));
      if (event?.success) yield event.data;
    }
  }
}
