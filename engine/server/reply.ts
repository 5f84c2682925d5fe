import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import type { Writable } from 'node:stream';
import type { BerthError } from '../base/errors.ts';
import type { Reply } from './route.ts';

/** What both kinds of reply can also do: end a request whose handler failed. */
export interface FailableReply extends Reply {
  /** Writes the error if no answer has begun; else breaks the connection, so that a client sees the answer is cut. */
  fail(error: BerthError): void;
}

export function errorBody(error: BerthError): object {
  return { message: error.message, code: error.code, params: error.params };
}

/** The reply to an ordinary request. */
export class HttpReply implements FailableReply {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  header(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  json(status: number, value: unknown): void {
    const body = Buffer.from(`${JSON.stringify(value)}\n`);
    this.#response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    this.#response.end(this.#response.req.method === 'HEAD' ? undefined : body);
  }

  empty(status: number): void {
    this.#response.writeHead(status, status === 204 || status === 304 ? {} : { 'Content-Length': 0 });
    this.#response.end();
  }

  stream(status: number, contentType: string): Writable {
    this.#response.writeHead(status, { 'Content-Type': contentType });
    this.#response.flushHeaders();
    return this.#response;
  }

  hijack(contentType: string): Promise<Duplex> {
    const out = this.stream(200, contentType);
    const input = new PassThrough();
    input.end();
    return Promise.resolve(Duplex.from({ readable: input, writable: out }));
  }

  fail(error: BerthError): void {
    if (this.#response.headersSent) {
      this.#response.destroy();
      return;
    }
    this.json(error.status, errorBody(error));
  }
}

/** The reply to a request that asked to upgrade: `hijack` turns the connection into a raw stream; the rest is written by hand. */
export class UpgradeReply implements FailableReply {
  readonly #request: IncomingMessage;
  readonly #socket: Duplex;
  readonly #headers: string[] = [];
  #begun = false;

  constructor(request: IncomingMessage, socket: Duplex) {
    this.#request = request;
    this.#socket = socket;
  }

  header(name: string, value: string): void {
    this.#headers.push(`${name}: ${value}`);
  }

  json(status: number, value: unknown): void {
    const body = `${JSON.stringify(value)}\n`;
    this.#head(status, ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']);
    this.#socket.end(body);
  }

  empty(status: number): void {
    this.#head(status, ['Content-Length: 0', 'Connection: close']);
    this.#socket.end();
  }

  stream(status: number, contentType: string): Writable {
    this.#head(status, [`Content-Type: ${contentType}`, 'Connection: close']);
    return this.#socket;
  }

  async hijack(contentType: string): Promise<Duplex> {
    const protocol = this.#request.headers.upgrade ?? 'tcp';
    this.#head(101, [`Content-Type: ${contentType}`, 'Connection: Upgrade', `Upgrade: ${protocol}`]);
    if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain');
    return this.#socket;
  }

  fail(error: BerthError): void {
    if (this.#begun) this.#socket.destroy();
    else this.json(error.status, errorBody(error));
  }

  #head(status: number, lines: readonly string[]): void {
    this.#begun = true;
    const reason = status === 101 ? 'UPGRADED' : status < 400 ? 'OK' : 'Error';
    this.#socket.write([`HTTP/1.1 ${status} ${reason}`, ...this.#headers, ...lines, '', ''].join('\r\n'));
  }
}
