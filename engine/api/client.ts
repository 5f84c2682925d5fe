import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { z } from 'zod';
import { errorBodySchema } from './error.ts';

/** The API version that our own clients speak. */
export const clientApiVersion = '1.47';

/** An answer with status 400 or above. `code` and `params` are the engine's (absent when a Docker daemon answers). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string | undefined;
  readonly params: Readonly<Record<string, string | number | boolean>>;

  constructor(status: number, message: string, code?: string, params: Readonly<Record<string, string | number | boolean>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.params = params;
  }
}

/** Nothing answered on the socket. `reason`: the system's code (`ENOENT` and `ECONNREFUSED`: no engine; `EACCES`: not allowed). */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly socketPath: string;
  readonly reason: string;

  constructor(socketPath: string, reason: string, options?: ErrorOptions) {
    super(`Cannot connect to the engine at ${socketPath}: ${reason}`, options);
    this.socketPath = socketPath;
    this.reason = reason;
  }
}

export type QueryValue = string | number | boolean | readonly string[] | undefined;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: Readable;
  readonly signal?: AbortSignal;
}

/** Both directions of a hijacked connection. `head` is already pushed back into the socket. */
export interface Hijacked {
  readonly socket: Socket;
  /** `application/vnd.docker.raw-stream` or `…multiplexed-stream`. */
  readonly contentType: string;
}

/** The engine keeps a connection whose request it answered before its end: else what is still written here would find it closed and take the answer along (EPIPE). */
const OUTLAST = { Connection: 'keep-alive' };

/** HTTP over a unix socket, shaped for the Docker Engine API and Berth's own resources (paths under `/berth/`). */
export class ApiClient {
  readonly socketPath: string;
  readonly #prefix: string;
  readonly #open: (() => Duplex) | undefined;

  /** `apiVersion` empty: without a version, which a server answers as its own newest. `open`: makes connections otherwise than to the socket. */
  constructor(socketPath: string, apiVersion: string = clientApiVersion, open?: () => Duplex) {
    this.socketPath = socketPath;
    this.#open = open;
    this.#prefix = apiVersion === '' ? '' : `/v${apiVersion}`;
  }

  /** Sends a request and parses the JSON answer by `schema`. */
  async json<T>(method: string, path: string, schema: z.ZodType<T>, options: RequestOptions = {}): Promise<T> {
    const response = await this.stream(method, path, options);
    const text = await readText(response);
    return schema.parse(text.trim() === '' ? undefined : JSON.parse(text));
  }

  /** Sends a request whose answer has no body worth reading; returns the status. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<number> {
    const response = await this.stream(method, path, options);
    response.resume();
    return response.statusCode ?? 0;
  }

  /** Sends a request and returns the answer as a stream, once its headers are here. Throws ApiError and ConnectError. */
  async stream(method: string, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = this.#request(method, path, options, options.body ? OUTLAST : {});
      request.once('response', (answer: IncomingMessage) => {
        // A body that nobody wants any more is not sent to its end; the answer is whole by then.
        answer.once('end', () => request.writableFinished || request.destroy());
        resolve(answer);
      });
      // What goes wrong with the rest of a request that has been answered is of no interest.
      request.on('error', (error) => reject(this.#failure(error)));
      writeBody(request, options);
    });
    if ((response.statusCode ?? 500) >= 400) throw await toApiError(response);
    return response;
  }

  /** Passes a request on as it came, and gives the answer as it is, whatever its status. */
  forward(method: string, path: string, headers: Readonly<Record<string, string>>, body: Readable): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#request(method, path, { headers }, OUTLAST);
      request.once('response', resolve);
      request.once('error', (error) => reject(this.#failure(error)));
      // A client that breaks off must not look like one that has sent everything.
      body.once('error', (error) => request.destroy(error)).once('close', () => body.readableEnded || request.destroy());
      body.pipe(request);
    });
  }

  /** The lines of a streamed JSON answer, each parsed by `schema`. */
  async *lines<T>(method: string, path: string, schema: z.ZodType<T>, options: RequestOptions = {}): AsyncGenerator<T> {
    const response = await this.stream(method, path, options);
    response.setEncoding('utf8');
    let rest = '';
    for await (const chunk of response as AsyncIterable<string>) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) if (line.trim() !== '') yield schema.parse(JSON.parse(line));
    }
    if (rest.trim() !== '') yield schema.parse(JSON.parse(rest));
  }

  /** Sends a request that turns the connection into a raw stream (attach, exec start). */
  hijack(method: string, path: string, options: RequestOptions = {}): Promise<Hijacked> {
    return new Promise((resolve, reject) => {
      const request = this.#request(method, path, options, { Connection: 'Upgrade', Upgrade: 'tcp' });
      request.once('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ socket, contentType: response.headers['content-type'] ?? '' });
      });
      request.once('response', (response) => void toApiError(response).then(reject, reject));
      request.once('error', (error) => reject(this.#failure(error)));
      writeBody(request, options);
    });
  }

  #request(method: string, path: string, options: RequestOptions, extra: Record<string, string>): ClientRequest {
    const json = options.json === undefined ? undefined : Buffer.byteLength(JSON.stringify(options.json));
    return httpRequest({
      ...(this.#open ? { createConnection: this.#open } : { socketPath: this.socketPath, agent: false }),
      method,
      path: `${path.startsWith('/berth/') ? '' : this.#prefix}${path}${queryText(options.query)}`,
      headers: { Host: 'engine', ...(json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(json) }), ...extra, ...options.headers },
      ...(options.signal ? { signal: options.signal } : {}),
    });
  }

  #failure(error: Error): Error {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    if (code && ['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ENOTSOCK'].includes(code)) return new ConnectError(this.socketPath, code, { cause: error });
    return error;
  }
}

function writeBody(request: ClientRequest, options: RequestOptions): void {
  if (options.body) {
    const { body } = options;
    body.once('error', (error) => request.destroy(error));
    request.once('close', () => body.destroy());
    body.pipe(request);
  } else {
    request.end(options.json === undefined ? undefined : JSON.stringify(options.json));
  }
}

function queryText(query: RequestOptions['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | number | boolean]) search.append(key, String(one));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

async function readText(response: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function toApiError(response: IncomingMessage): Promise<ApiError> {
  const status = response.statusCode ?? 0;
  const text = await readText(response);
  try {
    const body = errorBodySchema.parse(JSON.parse(text));
    return new ApiError(status, body.message, body.code, body.params);
  } catch {
    return new ApiError(status, text.trim() || `The engine answered with status ${status}`);
  }
}
