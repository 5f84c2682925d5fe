import { Emitter } from './emitter.ts';
import type { Disposable } from './emitter.ts';

export type EventType = 'container' | 'image' | 'network' | 'volume' | 'builder' | 'daemon' | 'devcontainer';

/** Something that happened, in Docker's words: `{ type: 'container', action: 'start', id, attributes: { image, name } }`. */
export interface BusEvent {
  readonly type: EventType;
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, with a fraction that keeps events of one millisecond in order. */
  readonly time: number;
}

/** Announces what services did; keeps the last 256 for clients that ask `since`. Events announce, they never control. */
export class EventBus {
  readonly #emitter = new Emitter<BusEvent>();
  readonly #recent: BusEvent[] = [];
  #last = 0;

  publish(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>> = {}): void {
    this.#last = Math.max(Date.now(), this.#last + 0.001);
    const event: BusEvent = { type, action, id, attributes, time: this.#last };
    this.#recent.push(event);
    if (this.#recent.length > 256) this.#recent.shift();
    this.#emitter.fire(event);
  }

  on(listener: (event: BusEvent) => void): Disposable {
    return this.#emitter.on(listener);
  }

  recent(): readonly BusEvent[] {
    return this.#recent;
  }
}
