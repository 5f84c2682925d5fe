import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { linkForwardedSchema, linkPaths as routes, linkStatusSchema } from '../../api/berth/link.ts';
import type { LinkForwarded, LinkStatus } from '../../api/berth/link.ts';
import { ApiClient, ConnectError } from '../../api/client.ts';
import { BerthError } from '../../base/errors.ts';
import { start } from '../../host/process.ts';
import type { Ask } from '../connection.ts';
import { linkDidNotStart } from './errors.ts';
import type { LinkPaths } from './paths.ts';

/** How to start a link: the program and its arguments but the last two, `link NAME`. */
export interface LinkLauncher {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface ReachOptions {
  /** Answers what the host asks. */
  readonly ask: Ask;
  /** The status while it is not connected. */
  readonly report: (status: LinkStatus) => void;
  readonly signal: AbortSignal;
}

/** One host's link, as seen by those who need it. */
export class LinkClient {
  readonly host: string;
  /** The link's own socket. */
  readonly controlPath: string;
  /** A client of the host's engine: of use once `reach` resolved. */
  readonly engine: ApiClient;
  readonly #control: ApiClient;
  readonly #launcher: LinkLauncher;

  constructor(host: string, paths: LinkPaths, launcher: LinkLauncher) {
    this.host = host;
    this.controlPath = paths.control;
    this.engine = new ApiClient(paths.socket);
    this.#control = new ApiClient(paths.control, '');
    this.#launcher = launcher;
  }

  /** `undefined`: no link runs. */
  async status(): Promise<LinkStatus | undefined> {
    return absentWithout(() => this.#control.json('GET', routes.status, linkStatusSchema));
  }

  /** Starts the link if need be, waits until the engine is reached, and passes its questions on. Throws why it cannot be. */
  async reach(options: ReachOptions): Promise<ApiClient> {
    const status = (await this.status()) ?? (await this.#start(options.signal));
    if (status.state !== 'connected' || !status.engineServes) await this.#connect(options);
    return this.engine;
  }

  /** Brings a port of the host's own 127.0.0.1 here; see `linkForwardSchema`. */
  forward(port: number, path: string): Promise<LinkForwarded> {
    return this.#control.json('POST', routes.forward, linkForwardedSchema, { json: { port, path } });
  }

  /** Ends the link; false if none runs. */
  async stop(signal: AbortSignal): Promise<boolean> {
    const stopped = await absentWithout(() => this.#control.send('POST', routes.stop));
    while (stopped !== undefined && (await this.status()) !== undefined) await delay(20, undefined, { signal });
    return stopped !== undefined;
  }

  async #connect({ ask, report, signal }: ReachOptions): Promise<void> {
    const over = new AbortController();
    let asked: string | undefined;
    let firstAttempt: number | undefined;
    try {
      for await (const status of this.#control.lines('GET', routes.watch, linkStatusSchema, { query: { connect: 1 }, signal: AbortSignal.any([signal, over.signal]) })) {
        if (status.state === 'connected' && status.engineServes) return;
        if (status.state === 'failed') throw failureOf(status.error);
        // The link goes on trying for ever; a command waits for two attempts that it brought about.
        if (status.state === 'reconnecting' && (status.attempt ?? 0) - (firstAttempt ??= status.attempt ?? 0) >= 2) throw failureOf(status.error);
        if (status.question) {
          const { id, question } = status.question;
          if (id === asked) continue; // the person is at it
          asked = id;
          // Not awaited: the link may go on without the answer, and then says so.
          void ask(question, over.signal).then((answers) => this.#control.send('POST', routes.answer, { json: { id, answers: answers ?? null } })).catch(() => undefined);
        } else report(status);
      }
      throw linkDidNotStart({ host: this.host, detail: 'it ended' });
    } finally {
      over.abort();
    }
  }

  /** Another command may start one at this very moment: whichever serves will do. */
  async #start(signal: AbortSignal): Promise<LinkStatus> {
    const { program, args, env } = this.#launcher;
    const child = start(program, [...args, 'link', this.host, '--ready-fd', '3'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env, cwd: '/', windowsHide: true });
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    const said = (await Promise.race([readAll(child.stdio[3]), failed])).trim();
    child.unref();
    if (said !== 'ready') throw linkDidNotStart({ host: this.host, detail: said || 'it ended at once' });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const status = await this.status();
      if (status) return status;
      await delay(25, undefined, { signal });
    }
    throw linkDidNotStart({ host: this.host, detail: 'it does not answer' });
  }
}

function failureOf(error: LinkStatus['error']): BerthError {
  return new BerthError(error?.code ?? 'LINK_FAILED', 502, error?.message ?? 'The link failed', error?.params ?? {});
}

async function absentWithout<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConnectError && error.reason !== 'EACCES' && error.reason !== 'EPERM') return undefined;
    // It left while it was asked.
    if (error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return undefined;
    throw error;
  }
}

async function readAll(stream: unknown): Promise<string> {
  let text = '';
  for await (const chunk of stream as Readable) text += String(chunk);
  return text;
}
