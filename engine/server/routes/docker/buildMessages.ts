import type { BuildEvent } from '../../../api/berth/build.ts';
import type { BerthError } from '../../../base/errors.ts';

type StepEvent = Extract<BuildEvent, { type: 'step' }>;

/** Docker's JSON messages for what a build does. */
export interface BuildMessages {
  event(event: BuildEvent): void;
  succeeded(imageId: string, tags: readonly string[]): void;
  failed(error: BerthError): void;
}

/**
 * The classic builder's messages. Steps run side by side, its clients know only one at a time: what a later step says
 * waits until those before it have ended.
 */
export class ClassicMessages implements BuildMessages {
  readonly #write: (message: object) => void;
  readonly #waiting = new Map<number, string[]>();
  readonly #announced = new Set<number>();
  readonly #ended = new Set<number>();
  #current = 1;

  constructor(write: (message: object) => void) {
    this.#write = write;
  }

  event(event: BuildEvent): void {
    if (event.type === 'warning' && event.rule !== undefined) return; // the classic builder checks nothing
    if (event.type === 'warning') this.#write({ stream: `[Warning] ${event.message}\n` });
    else if (event.type === 'progress') this.#write({ status: event.status, ...(event.id === undefined ? {} : { id: event.id }), progressDetail: event.total === undefined ? {} : { current: event.current ?? 0, total: event.total } });
    else if (event.type === 'log') this.#say(event.index, event.text);
    else if (event.type === 'step') this.#step(event);
  }

  succeeded(imageId: string, tags: readonly string[]): void {
    this.#write({ aux: { ID: imageId } });
    this.#write({ stream: `Successfully built ${imageId.replace('sha256:', '').slice(0, 12)}\n` });
    for (const tag of tags) this.#write({ stream: `Successfully tagged ${withTag(tag)}\n` });
  }

  failed(error: BerthError): void {
    for (const index of [...this.#waiting.keys()].sort((a, b) => a - b)) this.#flush(index);
    this.#write(errorMessage(error));
  }

  #step(event: StepEvent): void {
    const { index, status } = event;
    if (!this.#announced.has(index)) {
      this.#announced.add(index);
      this.#say(index, `Step ${index}/${event.total} : ${event.text}\n`);
    }
    if (status === 'started') return;
    if (status === 'cached') this.#say(index, ' ---> Using cache\n');
    if (event.layer !== undefined) this.#say(index, ` ---> ${event.layer}\n`);
    if (status !== 'failed') this.#ended.add(index);
    while (this.#ended.has(this.#current)) this.#flush(++this.#current);
  }

  #say(index: number, text: string): void {
    if (index <= this.#current) {
      this.#write({ stream: text });
      return;
    }
    const lines = this.#waiting.get(index) ?? [];
    lines.push(text);
    this.#waiting.set(index, lines);
  }

  #flush(index: number): void {
    for (const text of this.#waiting.get(index) ?? []) this.#write({ stream: text });
    this.#waiting.delete(index);
  }
}

/** `q=1`: nothing but the image's id, or all that was printed if the build failed. */
export class QuietMessages implements BuildMessages {
  readonly #write: (message: object) => void;
  readonly #held: object[] = [];
  readonly #classic: ClassicMessages;

  constructor(write: (message: object) => void) {
    this.#write = write;
    this.#classic = new ClassicMessages((message) => void this.#held.push(message));
  }

  event(event: BuildEvent): void {
    this.#classic.event(event);
  }

  succeeded(imageId: string): void {
    this.#write({ stream: `${imageId}\n` });
  }

  failed(error: BerthError): void {
    this.#classic.failed(error);
    for (const message of this.#held) this.#write(message);
  }
}

function errorMessage(error: BerthError): object {
  const exitCode = error.params['exitCode'];
  return { errorDetail: { ...(typeof exitCode === 'number' ? { code: exitCode } : {}), message: error.message }, error: error.message };
}

/** `x` → `x:latest`. */
function withTag(name: string): string {
  return /:[^/]+$/.test(name) ? name : `${name}:latest`;
}
