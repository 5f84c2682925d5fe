import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { ApiClient } from '../../api/client.ts';
import type { Htpasswd } from './htpasswd.ts';

export interface FrontOptions {
  /** The engine; started again when it has left. */
  readonly engine: () => Promise<ApiClient>;
  readonly users: Htpasswd | undefined;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly write: boolean;
  /** One line for each request: never a header, never a query. */
  readonly log: (line: string) => void;
}

/** What stands between a network and the engine's socket: TLS, users, and whether they may write. The registry itself is the engine's. */
export function createFront(options: FrontOptions): Server {
  const listener: RequestListener = (request, response) => {
    response.once('close', () => options.log(`${request.socket.remoteAddress ?? '-'} ${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''} ${response.statusCode}`));
    answer(options, request, response).catch((error: unknown) => fail(response, error));
  };
  const settings = { requestTimeout: 0, headersTimeout: 60_000 };
  return options.tls ? createTlsServer({ ...options.tls, ...settings }, listener) : createHttpServer(settings, listener);
}

async function answer(options: FrontOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  if (options.users && !(await options.users.allows(request.headers.authorization))) return refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': 'Basic realm="Berth"' });
  if (!/^\/v2(\/|$|\?)/.test(url)) return refuse(response, 404, 'UNSUPPORTED', 'this is a registry: its API is below /v2/');
  if (!options.write && method !== 'GET' && method !== 'HEAD') return refuseToWrite(method, response);
  const client = await options.engine();
  const given = await client.forward(method, `/berth/v1/registry${url}`, passedHeaders(request), request);
  response.writeHead(given.statusCode ?? 502, given.headers);
  await pipeline(given, response);
}

/** What the registry reads of a request; the user's password stays here. */
function passedHeaders({ headers }: IncomingMessage): Record<string, string> {
  const names = ['accept', 'content-type', 'content-length', 'content-range', 'range', 'transfer-encoding'];
  return Object.fromEntries(names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])));
}

/** Deleting is a feature that a registry may not have; pushing is not allowed here. */
function refuseToWrite(method: string, response: ServerResponse): void {
  const why = 'this registry is only read from (it was started without --write)';
  return method === 'DELETE' ? refuse(response, 405, 'UNSUPPORTED', why) : refuse(response, 403, 'DENIED', why);
}

function refuse(response: ServerResponse, status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Docker-Distribution-Api-Version': 'registry/2.0', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else refuse(response, 502, 'UNKNOWN', error instanceof Error ? error.message : String(error));
}
