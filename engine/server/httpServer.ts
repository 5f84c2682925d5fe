import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { relayPath } from '../api/berth/relay.ts';
import { asBerthError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Activity } from './activity.ts';
import { maxApiVersion, splitApiVersion } from './apiVersion.ts';
import { HttpReply, UpgradeReply } from './reply.ts';
import type { FailableReply } from './reply.ts';
import { readJson } from './requestBody.ts';
import type { RequestContext, Route } from './route.ts';
import { Router } from './router.ts';
import { readUpgradeBody } from './upgradeBody.ts';

export interface HttpServerOptions {
  readonly routes: readonly Route[];
  readonly log: Log;
  readonly activity: Activity;
  /** Value of the `Server` header. */
  readonly serverName: string;
}

/** The engine's HTTP server: ordinary and upgrade requests share one router, one context and one error table. */
export function createHttpServer(options: HttpServerOptions): Server {
  const router = new Router(options.routes);
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 30_000 });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    standardHeaders(options, (name, value) => void response.setHeader(name, value));
    void answer(options, router, request, new HttpReply(response), request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined); // a client that breaks off is no error of ours; handlers see `close`
    const reply = new UpgradeReply(request, socket);
    standardHeaders(options, (name, value) => reply.header(name, value));
    void readUpgradeBody(request, socket, head).then((body) => answer(options, router, request, reply, body, socket));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

function standardHeaders(options: HttpServerOptions, set: (name: string, value: string) => void): void {
  set('Api-Version', maxApiVersion);
  set('Docker-Experimental', 'false');
  set('Ostype', 'linux');
  set('Server', options.serverName);
}

async function answer(options: HttpServerOptions, router: Router, request: IncomingMessage, reply: FailableReply, body: Readable, connection: ServerResponse | Duplex): Promise<void> {
  const gone = new AbortController();
  const url = new URL(request.url ?? '/', 'http://engine');
  const done = isPassive(url.pathname) ? () => undefined : options.activity.begin();
  connection.once('close', () => {
    gone.abort();
    done();
  });
  try {
    const { version, path } = splitApiVersion(url.pathname);
    const match = router.find(request.method ?? 'GET', path);
    const context = requestContext({ request, url, path, version, params: match.params, body, signal: gone.signal });
    await match.handle(context, reply);
  } catch (error) {
    report(options.log, request, gone.signal, error);
    reply.fail(asBerthError(error));
  }
}

/** A client that only listens does not keep an idle engine alive; of a link's connection it is the requests on it that count. */
function isPassive(path: string): boolean {
  return path === relayPath || /^(\/v[\d.]+)?\/(events|_ping|berth\/v1\/ports)$/.test(path);
}

/** Without the query: build arguments are in there. */
function report(log: Log, request: IncomingMessage, gone: AbortSignal, error: unknown): void {
  const known = asBerthError(error);
  const fields = { method: request.method, path: request.url?.split('?')[0], code: known.code, status: known.status };
  if (known.status < 500 || gone.aborted) log.debug('request refused', { ...fields, detail: known.message });
  else log.error('request failed', { ...fields, error });
}

function requestContext(parts: { request: IncomingMessage; url: URL; path: string; version: string; params: RequestContext['params']; body: Readable; signal: AbortSignal }): RequestContext {
  const { request, path, body } = parts;
  return {
    method: request.method ?? 'GET',
    path,
    params: parts.params,
    query: parts.url.searchParams,
    headers: request.headers,
    apiVersion: parts.version,
    signal: parts.signal,
    body,
    json: (schema) => readJson(body, `${request.method ?? 'GET'} ${path}`, schema),
  };
}
