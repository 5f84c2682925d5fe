import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy does to a request; nothing: passes it on. */
export interface Harm {
  /** Answers itself. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Breaks the connection after so many bytes of the answer. */
  readonly breakAnswerAfter?: number;
  /** Breaks the connection after so many bytes of the request's body have gone on. */
  readonly breakBodyAfter?: number;
  /** Changes the bytes of the answer. */
  readonly lie?: (chunk: Buffer) => Buffer;
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Bytes of the body that came, and of the answer that went. */
  received: number;
  sent: number;
}

/** A proxy before a registry that breaks connections, refuses, and lies as a test wants it to. */
export class BreakingProxy {
  readonly host: string;
  readonly seen: Seen[] = [];
  harm: (request: IncomingMessage) => Harm | undefined = () => undefined;
  readonly #target: string;
  readonly #close: () => void;

  private constructor(host: string, target: string, close: () => void) {
    this.host = host;
    this.#target = target;
    this.#close = close;
  }

  static async start(target: string): Promise<BreakingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new BreakingProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`, target, () => {
      server.closeAllConnections();
      server.close();
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => proxy.#pass(request, response));
    return proxy;
  }

  close(): void {
    this.#close();
  }

  /** Requests of this kind so far. */
  count(method: string, path: RegExp): number {
    return this.seen.filter((one) => one.method === method && path.test(one.path)).length;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const seen: Seen = { method: request.method ?? '', path: request.url ?? '', range: request.headers.range, authorization: request.headers.authorization, received: 0, sent: 0 };
    this.seen.push(seen);
    const harm = this.harm(request) ?? {};
    if (harm.status !== undefined) {
      request.resume();
      response.writeHead(harm.status, harm.headers).end('refused by the test');
      return;
    }
    const [name, port] = this.#target.split(':');
    const onward = httpRequest({ host: name, port, method: request.method, path: request.url, headers: request.headers, agent: false });
    onward.once('error', () => response.destroy());
    request.on('data', (chunk: Buffer) => {
      seen.received += chunk.length;
      const breaks = harm.breakBodyAfter !== undefined && seen.received >= harm.breakBodyAfter;
      onward.write(chunk, () => breaks && onward.destroy()); // what came before the break arrives
      if (breaks) request.socket.destroy();
    });
    request.once('end', () => onward.end());
    onward.once('response', (answer: IncomingMessage) => answerTo(answer, response, harm, seen));
  }
}

function answerTo(answer: IncomingMessage, response: ServerResponse, harm: Harm, seen: Seen): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.once('error', () => response.destroy());
  answer.on('data', (chunk: Buffer) => {
    const left = (harm.breakAnswerAfter ?? Number.POSITIVE_INFINITY) - seen.sent;
    const passed = (harm.lie?.(chunk) ?? chunk).subarray(0, Math.max(0, left));
    seen.sent += passed.length;
    if (passed.length === chunk.length) {
      if (!response.write(passed)) {
        answer.pause();
        response.once('drain', () => answer.resume());
      }
      return;
    }
    response.write(passed, () => response.destroy());
    answer.destroy();
  });
  answer.once('end', () => response.end());
}
