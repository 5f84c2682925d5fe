import type { LinkStatus, LinkForwarded } from '../../engine/api/berth/link.ts';
import { ApiError, ConnectError } from '../../engine/api/client.ts';
import { FileAppearance } from '../base/fileAppearance.ts';
import { LinkClient } from '../client/linkClient.ts';

type Question = NonNullable<LinkStatus['question']>['question'];

/** Answers what only the user can say; undefined: declined. `again`: the same was asked before, and the answer did not do. */
export type Ask = (question: Question, again: boolean, signal: AbortSignal) => Promise<readonly string[] | undefined>;

export interface HostLinkParts {
  readonly name: string;
  readonly controlPath: string;
  /** Starts the link's process; returns when it serves. */
  readonly start: () => Promise<void>;
  /** Undefined: no link runs. */
  readonly onStatus: (status: LinkStatus | undefined) => void;
  readonly onProblem: (error: unknown) => void;
}

/** The link to one remote host: follows its status as long as it runs, whoever started it, and connects when asked. Polls nothing. */
export class HostLink {
  readonly #parts: HostLinkParts;
  readonly #client: LinkClient;
  readonly #closed = new AbortController();
  #wake: () => void = () => undefined;

  constructor(parts: HostLinkParts) {
    this.#parts = parts;
    this.#client = new LinkClient(parts.controlPath);
    void this.#follow();
  }

  dispose(): void {
    this.#closed.abort();
    this.#wake();
  }

  /** Connects, asking and telling on the way. Throws ApiError with the code of what stands in the way. */
  async connect(ask: Ask, tell: (status: LinkStatus) => void, signal: AbortSignal): Promise<void> {
    await this.#parts.start();
    this.#wake();
    const over = new AbortController();
    const asked = new Set<string>();
    try {
      for await (const status of this.#client.connect(AbortSignal.any([signal, over.signal]))) {
        if (status.state === 'connected' && status.engineServes) return;
        if (status.state === 'failed') throw failureOf(status);
        tell(status);
        if (status.question) this.#pass(status.question, asked, ask, over.signal);
      }
      throw new ApiError(502, 'The link ended', 'LINK_DID_NOT_START', { host: this.#parts.name, detail: 'it ended' });
    } finally {
      over.abort();
    }
  }

  /** Brings a port of the host's own 127.0.0.1 here, with an address that leads to a path of it once. */
  forward(port: number, path: string): Promise<LinkForwarded> {
    return this.#client.forward(port, path);
  }

  /** The person answers while the status goes on: the link may not need the answer any more. */
  #pass({ id, question }: NonNullable<LinkStatus['question']>, asked: Set<string>, ask: Ask, signal: AbortSignal): void {
    if (asked.has(id)) return;
    const subject = JSON.stringify(question);
    const again = asked.has(subject);
    asked.add(id).add(subject);
    void ask(question, again, signal)
      .then((answers) => (signal.aborted ? undefined : this.#client.answer(id, answers)))
      .catch(this.#parts.onProblem);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      let heard = false;
      const appeared = new FileAppearance(this.#parts.controlPath, () => {
        heard = true;
        this.#wake();
      });
      try {
        for await (const status of this.#client.watch(signal)) this.#parts.onStatus(status);
      } catch (error) {
        if (!signal.aborted && !(error instanceof ConnectError)) this.#parts.onProblem(error);
      }
      if (!signal.aborted) this.#parts.onStatus(undefined);
      if (!heard && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = () => undefined;
      appeared.dispose();
    }
  }
}

function failureOf({ error, host }: LinkStatus): ApiError {
  return new ApiError(502, error?.message ?? `The connection to ${host} failed`, error?.code, error?.params);
}
