import type { IncomingMessage } from 'node:http';
import type { Duplex, Writable } from 'node:stream';
import type { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

/** What a handler knows of its request. */
export interface RequestContext {
  readonly method: string;
  readonly path: string;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** The Docker API version of this request, `1.41` to `1.47`. */
  readonly apiVersion: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** The body as a stream of bytes. */
  readonly body: NodeJS.ReadableStream;
  /** The body parsed by a schema; an empty body counts as `{}`. Throws INVALID_JSON or BAD_REQUEST naming the field. */
  json<T>(schema: z.ZodType<T>): Promise<T>;
}

/** How a handler answers: exactly one of these, once. Errors are thrown, not written. */
export interface Reply {
  json(status: number, value: unknown): void;
  empty(status: number): void;
  /** Sends the headers at once (clients such as `docker run` wait for them) and returns the body to write to. */
  stream(status: number, contentType: string): Writable;
  /**
   * Takes the connection over: 101 with `Upgrade: tcp` when the client asked to upgrade, and then both directions are raw
   * bytes. A client that did not ask gets a 200 whose body is the output; its input side is already ended.
   */
  hijack(contentType: string): Promise<Duplex>;
  /** Extra headers for the answer. */
  header(name: string, value: string): void;
}

export type Handler = (context: RequestContext, reply: Reply) => Promise<void> | void;

/** One row of the route table. Docker paths are given without the `/v1.NN` prefix; `:name` is a parameter, `*` the rest. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly handle: Handler;
}
