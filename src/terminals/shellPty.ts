import type { Socket } from 'node:net';
import * as vscode from 'vscode';
import type { EngineClient, TerminalSize } from '../client/engineClient.ts';

export interface ShellPtyOptions {
  readonly client: EngineClient;
  readonly execId: string;
  /** The terminal was closed by the user while the process ran. */
  readonly onHangUp: () => void;
  /** The process ended, with this status. */
  readonly onExit: (status: number) => void;
  readonly onProblem: (error: unknown) => void;
}

/** A terminal on a process in a container: keys go to the hijacked connection of its exec, output comes from it. */
export class ShellPty implements vscode.Pseudoterminal {
  readonly #options: ShellPtyOptions;
  readonly #write = new vscode.EventEmitter<string>();
  readonly #close = new vscode.EventEmitter<number | void>();
  readonly onDidWrite = this.#write.event;
  readonly onDidClose = this.#close.event;
  #socket: Socket | undefined;
  #typedEarly: string[] = [];
  #size: TerminalSize = { columns: 80, rows: 24 };
  #closed = false;

  constructor(options: ShellPtyOptions) {
    this.#options = options;
  }

  open(dimensions: vscode.TerminalDimensions | undefined): void {
    if (dimensions) this.#size = dimensions;
    void this.#run().catch((error: unknown) => {
      this.#options.onProblem(error);
      this.#end();
    });
  }

  handleInput(data: string): void {
    if (this.#socket) this.#socket.write(data);
    else this.#typedEarly.push(data);
  }

  setDimensions(dimensions: vscode.TerminalDimensions): void {
    this.#size = dimensions;
    if (this.#socket) void this.#resize();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket?.destroy();
    this.#options.onHangUp();
  }

  async #run(): Promise<void> {
    const socket = await this.#options.client.startExec(this.#options.execId);
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    const decoder = new TextDecoder();
    socket.on('data', (chunk: Buffer) => this.#write.fire(decoder.decode(chunk, { stream: true })));
    socket.on('error', () => socket.destroy());
    socket.once('close', () => void this.#ended());
    await this.#resize();
    for (const data of this.#typedEarly.splice(0)) socket.write(data);
  }

  async #ended(): Promise<void> {
    if (this.#closed) return;
    try {
      this.#options.onExit((await this.#options.client.execExitCode(this.#options.execId)) ?? 0);
    } catch {
      // The container is gone, and its execs with it: there is nothing left to ask.
    }
    this.#end();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A shell's status is its last command's: no reason for the editor to warn.
    this.#close.fire();
  }

  /** The last of a quick series of sizes must win, so it is read when the request is made. */
  async #resize(): Promise<void> {
    try {
      await this.#options.client.resizeExec(this.#options.execId, this.#size);
    } catch {
      // The process has ended; closing follows.
    }
  }
}
