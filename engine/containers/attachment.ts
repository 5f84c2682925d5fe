import type { Duplex } from 'node:stream';
import { AttachSocket } from '../host/attachSocket.ts';
import type { PendingAttachment } from './container.ts';
import { DetachFilter, parseDetachKeys } from './detachKeys.ts';
import { ClientOutput } from './framing.ts';

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly detachKeys: string;
  /** Holds the process back while the client is behind; without, what the client does not read is kept. */
  readonly brake?: { hold(): void; release(): void };
}

/** A process may run ahead of its client by so much: stopping it for each piece would cost more. */
const AHEAD = 1024 * 1024;

/** A client on a terminal's or container's stdio, from before it runs until it ends, the client leaves, or detaches. */
export class Attachment implements PendingAttachment {
  readonly #client: Duplex;
  readonly #options: AttachOptions;
  readonly #output: ClientOutput;
  readonly #filter: DetachFilter | undefined;
  /** The client left of its own accord. */
  detached = false;
  #socket: AttachSocket | undefined;
  #finish: () => void = () => undefined;
  #held = false;
  #over = false;
  /** Resolves when the client is no longer attached. */
  readonly done: Promise<void>;

  constructor(client: Duplex, options: AttachOptions) {
    this.#client = client;
    this.#options = options;
    this.#output = new ClientOutput(client, options.tty);
    this.#filter = options.tty ? new DetachFilter(parseDetachKeys(options.detachKeys)) : undefined;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    client.on('error', () => undefined);
    client.once('close', () => this.#leave());
  }

  /** Connects to conmon's socket; output goes to the client from now on, its input to the process. */
  async connect(bundle: string): Promise<void> {
    if (this.#client.destroyed) return this.#finish();
    this.#socket = await AttachSocket.connect(bundle, {
      output: (chunk, stream) => {
        if (this.#options[stream] && !this.#output.write(stream, chunk)) this.#holdBack();
      },
      end: () => this.abandon(),
    });
    if (this.#options.stdin) void this.#pumpInput(this.#socket).catch(() => this.#leave());
    else this.#client.resume();
  }

  /** Nothing more will come. The client is still open: who took it ends it, after saying what there is to say. */
  abandon(): void {
    this.#over = true; // nobody holds a process back that it is not attached to
    this.#options.brake?.release();
    this.#finish();
  }

  #holdBack(): void {
    const { brake } = this.#options;
    if (!brake || this.#held || this.#over || this.#output.behind < AHEAD) return;
    this.#held = true;
    brake.hold();
    void this.#output.drained().then(() => {
      brake.release();
      this.#held = false;
    });
  }

  async #pumpInput(socket: AttachSocket): Promise<void> {
    for await (const chunk of inputOf(this.#client)) {
      const { data, detach } = this.#filter?.feed(chunk) ?? { data: chunk, detach: false };
      if (data.length > 0) await socket.write(data);
      if (!detach) continue;
      this.detached = true;
      socket.close();
      return this.abandon();
    }
    if (!this.#options.tty) socket.endInput();
  }

  #leave(): void {
    this.detached = true;
    this.#socket?.close();
    this.abandon();
  }
}

/** What a client sends, until it ends its side; unlike the stream's own iterator this leaves the other direction open. */
export async function* inputOf(client: Duplex): AsyncGenerator<Buffer> {
  for await (const chunk of client.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
}
