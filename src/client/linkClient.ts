import { linkForwardedSchema, linkPaths, linkStatusSchema } from '../../engine/api/berth/link.ts';
import type { LinkForwarded, LinkStatus } from '../../engine/api/berth/link.ts';
import { ApiClient } from '../../engine/api/client.ts';

/** The link to a remote host, by its control socket. Everything throws ConnectError when no link runs. */
export class LinkClient {
  readonly #api: ApiClient;

  constructor(controlPath: string) {
    this.#api = new ApiClient(controlPath, '');
  }

  /** The status now, and whenever it changes, until the link ends. Only looks on: what it asks is for others. */
  watch(signal: AbortSignal): AsyncIterable<LinkStatus> {
    return this.#api.lines('GET', linkPaths.watch, linkStatusSchema, { query: { ask: 0 }, signal });
  }

  /** As `watch`; connects, and is there to be asked. */
  connect(signal: AbortSignal): AsyncIterable<LinkStatus> {
    return this.#api.lines('GET', linkPaths.watch, linkStatusSchema, { query: { connect: 1 }, signal });
  }

  /** `undefined`: the user declined. */
  answer(id: string, answers: readonly string[] | undefined): Promise<unknown> {
    return this.#api.send('POST', linkPaths.answer, { json: { id, answers: answers ?? null } });
  }

  forward(port: number, path: string): Promise<LinkForwarded> {
    return this.#api.json('POST', linkPaths.forward, linkForwardedSchema, { json: { port, path } });
  }
}
