import { createReadStream } from 'node:fs';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

export interface CallOptions {
  readonly json?: unknown;
  readonly body?: Buffer;
  /** A file sent as the body. */
  readonly file?: string;
  readonly contentType?: string;
  /** Statuses that are no failures, besides 2xx and 304. */
  readonly ok?: readonly number[];
}

/** One small client for both engines, so that the client's own cost is the same: HTTP on a unix socket, API 1.41. */
export class BenchClient {
  readonly name: string;
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(name: string, socketPath: string) {
    this.name = name;
    this.#socketPath = socketPath;
  }

  /** The whole body of the answer; throws for a failure, with what the engine said. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Buffer> {
    const answer = await this.open(method, path, options);
    const body = await buffer(answer);
    const status = answer.statusCode ?? 0;
    if ((status >= 200 && status < 300) || status === 304 || options.ok?.includes(status)) return body;
    throw new Error(`${this.name}: ${method} ${path} answered ${status}: ${body.toString().slice(0, 500)}`);
  }

  /** Reads an answer to its end, however long, and keeps nothing of it. */
  async drain(method: string, path: string): Promise<void> {
    const answer = await this.open(method, path);
    if (answer.statusCode !== 200) throw new Error(`${this.name}: ${method} ${path} answered ${answer.statusCode ?? 0}`);
    for await (const _chunk of answer) void _chunk;
  }

  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    return JSON.parse((await this.call(method, path, options)).toString()) as T;
  }

  /** Resolves when the headers of the answer are there. */
  open(method: string, path: string, { json, body, file, contentType }: CallOptions = {}): Promise<IncomingMessage> {
    const payload = json === undefined ? body : Buffer.from(JSON.stringify(json));
    const type = contentType ?? (json === undefined ? undefined : 'application/json');
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.#socketPath, agent: this.#agent, method, path: `/v1.41${path}`, headers: { ...(type ? { 'content-type': type } : {}), ...(payload ? { 'content-length': payload.length } : {}) } });
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      if (file === undefined) outgoing.end(payload);
      else pipeline(createReadStream(file), outgoing).catch(reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
