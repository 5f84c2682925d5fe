import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { clientAnswerSchema } from '../api/berth/ssh.ts';
import type { ClientQuestion, GitAction } from '../api/berth/ssh.ts';

const ANSWER_MS = 120_000;

/** A client that answers questions: it alone has the user's credentials. */
interface ClientLink {
  readonly stream: Duplex;
  readonly waiting: Map<number, (output: string) => void>;
  next: number;
}

/** Clients that have said that they answer, by the id they chose. */
export class ClientLinks {
  readonly #links = new Map<string, ClientLink>();

  /** Serves a client's raw connection to its end. */
  async serve(id: string, stream: Duplex): Promise<void> {
    const link: ClientLink = { stream, waiting: new Map(), next: 0 };
    this.#links.set(id, link);
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => this.#onLine(link, line));
    lines.on('error', () => undefined);
    stream.on('error', () => undefined);
    stream.once('end', () => stream.end()); // half a link is none
    if (!stream.closed) await once(stream, 'close').catch(() => undefined);
    if (this.#links.get(id) === link) this.#links.delete(id);
    for (const answer of link.waiting.values()) answer('');
  }

  /** Asks git's credential helpers on the client; empty when it has none, is gone, or does not answer. */
  askGit(id: string, action: GitAction, input: string): Promise<string> {
    return this.#ask(id, (number) => ({ id: number, kind: 'gitCredential', action, input }));
  }

  /** Sends a message to the client's ssh-agent; empty without an answer. */
  async askAgent(id: string, message: Buffer): Promise<Buffer> {
    return Buffer.from(await this.#ask(id, (number) => ({ id: number, kind: 'sshAgent', input: message.toString('base64') })), 'base64');
  }

  /** Calls back once the client has left; at once when it has, or never was. */
  onEnd(id: string, listener: () => void): void {
    const stream = this.#links.get(id)?.stream;
    if (!stream || stream.closed) listener();
    else stream.once('close', listener);
  }

  #ask(id: string, questionOf: (number: number) => ClientQuestion): Promise<string> {
    const link = this.#links.get(id);
    if (!link) return Promise.resolve('');
    const question = questionOf(link.next++);
    return new Promise((resolve) => {
      const settle = (output: string): void => {
        clearTimeout(timer);
        link.waiting.delete(question.id);
        resolve(output);
      };
      const timer = setTimeout(() => settle(''), ANSWER_MS);
      link.waiting.set(question.id, settle);
      link.stream.write(`${JSON.stringify(question)}\n`);
    });
  }

  #onLine(link: ClientLink, line: string): void {
    try {
      const { id, output } = clientAnswerSchema.parse(JSON.parse(line));
      link.waiting.get(id)?.(output);
    } catch {
      link.stream.destroy(); // it does not speak our language
    }
  }
}
