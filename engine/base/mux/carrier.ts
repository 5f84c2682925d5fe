import type { Duplex } from 'node:stream';
import { FrameParser } from './frame.ts';
import type { Frame } from './frame.ts';

export interface CarrierEvents {
  onFrame(frame: Frame): void;
  /** What was read, or what came of it, is against the protocol. */
  onFault(error: unknown): void;
  onWritable(): void;
  /** Once; nothing comes after it. `silent`: nobody closed it, nothing came any more. */
  onLost(reason: string, silent: boolean): void;
}

/** One connection that a session runs over, until it is lost or replaced. */
export class Carrier {
  readonly #duplex: Duplex;
  readonly #events: CarrierEvents;
  readonly #parser = new FrameParser();
  #over = false;
  #blocked = false;
  /** When something last arrived, by the monotonic clock. */
  heard = performance.now();

  constructor(duplex: Duplex, events: CarrierEvents) {
    this.#duplex = duplex;
    this.#events = events;
    duplex.on('data', (chunk: Buffer) => this.#take(chunk));
    duplex.on('drain', () => this.#unblock());
    duplex.once('end', () => this.drop('the connection was closed'));
    duplex.once('close', () => this.drop('the connection was closed'));
    duplex.on('error', (error: Error) => this.drop(error.message));
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  write(frame: Buffer): void {
    if (!this.#over && !this.#duplex.write(frame)) this.#blocked = true;
  }

  /** Nothing of it counts from now on, and nobody is told. */
  leave(): void {
    this.#over = true;
    this.#duplex.destroy();
  }

  /** As `leave`, once what was written is out. */
  finish(): void {
    this.#over = true;
    this.#duplex.resume();
    this.#duplex.end(() => this.#duplex.destroy());
  }

  drop(reason: string, silent = false): void {
    if (this.#over) return;
    this.leave();
    this.#events.onLost(reason, silent);
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    this.heard = performance.now();
    try {
      for (const frame of this.#parser.push(chunk)) {
        if (this.#over) return;
        this.#events.onFrame(frame);
      }
    } catch (error) {
      this.#events.onFault(error);
    }
  }

  #unblock(): void {
    this.#blocked = false;
    if (!this.#over) this.#events.onWritable();
  }
}
