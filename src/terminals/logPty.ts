import * as vscode from 'vscode';
import type { Container } from '../model/containerState.ts';
import type { Host } from '../hosts/host.ts';

/** Whose log is followed. A dev container that is made anew is still the same subject, with another container. */
export interface LogSubject {
  readonly name: string;
  current(): Container | undefined;
}

const firstTail = 1000;

/** A terminal that follows a log: it goes on when the subject starts again, and when the engine comes back. */
export class LogPty implements vscode.Pseudoterminal {
  readonly #host: Host;
  readonly #subject: LogSubject;
  readonly #write = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.#write.event;
  readonly #closed = new AbortController();
  readonly #subscriptions: vscode.Disposable[] = [];
  #lastId = '';
  /** Something since the last reading may have made the log longer. */
  #due = false;
  #wake: () => void = () => undefined;

  constructor(host: Host, subject: LogSubject) {
    this.#host = host;
    this.#subject = subject;
  }

  open(): void {
    this.#subscriptions.push(
      this.#host.onEvent((event) => {
        if (event.Action === 'start' && event.Actor.ID === this.#lastId) this.#noteDue();
      }),
      this.#host.onState((state) => {
        if (state.kind === 'connected') this.#noteDue();
      }),
      this.#host.containers.onChange(() => this.#wake()),
    );
    void this.#follow();
  }

  close(): void {
    this.#closed.abort();
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
    this.#wake();
  }

  async #follow(): Promise<void> {
    let since: number | undefined;
    while (!this.#closed.signal.aborted) {
      const container = this.#subject.current();
      const again = container && (this.#due || container.id !== this.#lastId);
      if (!again || !this.#host.connection) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      if (container.id !== this.#lastId) since = undefined;
      this.#lastId = container.id;
      this.#due = false;
      const wrote = await this.#read(container.id, since);
      since = Date.now() / 1000;
      if (wrote) this.#say(vscode.l10n.t('{0}: end of the log so far. What comes next is shown here.', this.#subject.name));
    }
  }

  /** Shows the log until it ends; says whether there was anything. */
  async #read(id: string, since: number | undefined): Promise<boolean> {
    const client = this.#host.connection?.client;
    let wrote = false;
    try {
      const decoder = new TextDecoder();
      for await (const chunk of client?.followLogs(id, since === undefined ? { tail: firstTail } : { since }, this.#closed.signal) ?? []) {
        wrote = true;
        this.#write.fire(decoder.decode(chunk, { stream: true }).replace(/\r?\n/g, '\r\n'));
      }
    } catch (error) {
      if (!this.#closed.signal.aborted && this.#host.connection) this.#say(error instanceof Error ? error.message : String(error));
    }
    return wrote;
  }

  #noteDue(): void {
    this.#due = true;
    this.#wake();
  }

  #say(text: string): void {
    if (!this.#closed.signal.aborted) this.#write.fire(`\x1b[2m── ${text}\x1b[0m\r\n`);
  }
}
