import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { linkAnswerSchema, linkForwardSchema, linkPaths } from '../../api/berth/link.ts';
import type { LinkForwarded, LinkStatus } from '../../api/berth/link.ts';
import type { Emitter } from '../../base/emitter.ts';

export interface Controlled {
  status(): LinkStatus;
  /** Fires when the status is another one. */
  readonly changed: Emitter<void>;
  /** Somebody is there to be asked, until the result is called. */
  watch(): () => void;
  answer(id: string, answers: readonly string[] | undefined): boolean;
  /** Connect, or try again at once. */
  connect(): void;
  /** See `linkForwardSchema`. */
  forward(port: number, path: string | undefined): Promise<LinkForwarded>;
  stop(): void;
}

const bodyLimit = 64 * 1024;

/** The server of a link's control socket. Answers to questions pass through and are neither kept nor logged. */
export function createControlServer(link: Controlled): Server {
  return createServer((request, response) => {
    void handle(link, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 400, { message: error instanceof Error ? error.message : String(error), code: 'BAD_REQUEST' });
    });
  });
}

async function handle(link: Controlled, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://link');
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case `GET ${linkPaths.status}`:
      return send(response, 200, link.status());
    case `GET ${linkPaths.watch}`:
      return watch(link, response, { connect: url.searchParams.get('connect') === '1', ask: url.searchParams.get('ask') !== '0' });
    case `POST ${linkPaths.answer}`: {
      const { id, answers } = linkAnswerSchema.parse(await bodyOf(request));
      return send(response, link.answer(id, answers ?? undefined) ? 200 : 404, {});
    }
    case `POST ${linkPaths.connect}`:
      link.connect();
      return send(response, 202, {});
    case `POST ${linkPaths.forward}`: {
      const { port, path } = linkForwardSchema.parse(await bodyOf(request));
      return send(response, 200, await link.forward(port, path));
    }
    case `POST ${linkPaths.stop}`:
      send(response, 202, {});
      return void setImmediate(() => link.stop());
    default:
      return send(response, 404, { message: `page not found: ${url.pathname}`, code: 'ROUTE_NOT_FOUND' });
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? bodyLimit) >= bodyLimit) throw new Error('the body is too long');
  return JSON.parse(await text(request));
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

function watch(link: Controlled, response: ServerResponse, { connect, ask }: { readonly connect: boolean; readonly ask: boolean }): void {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  const tell = (): void => void response.write(`${JSON.stringify(link.status())}\n`);
  const unwatch = ask ? link.watch() : () => undefined;
  const listener = link.changed.on(tell);
  response.once('close', () => {
    listener.dispose();
    unwatch();
  });
  if (connect) link.connect();
  tell();
}
