import type { BuildEvent } from '../../api/berth/build.ts';
import { warningLine } from './buildWarnings.ts';
import { ProgressPrinter } from './pullProgress.ts';
import { formatDuration } from './units.ts';

const CLEAR = '\r\u001b[K';

/** Prints a build, a line for each step and each line of its output; on a terminal, the last line shows what is running. */
export class BuildProgressPrinter {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #pulls: ProgressPrinter;
  readonly #running = new Map<number, string>();
  readonly #partial = new Map<string, string>();
  /** What of the Dockerfile is odd: said at the end, where it is seen. */
  readonly #odd: string[] = [];

  constructor(out: NodeJS.WriteStream, live: boolean = out.isTTY) {
    this.#out = out;
    this.#live = live;
    this.#pulls = new ProgressPrinter(out);
  }

  print(event: BuildEvent): void {
    if (this.#live) this.#out.write(CLEAR);
    this.#one(event);
    if (this.#live) this.#out.write(this.#status());
  }

  /** Takes the live line away. */
  end(): void {
    for (const [key, text] of this.#partial) if (text !== '') this.#out.write(`#${key.split(' ')[0] ?? ''} ${text}\n`);
    this.#partial.clear();
    this.#running.clear();
    if (this.#live) this.#out.write(CLEAR);
    for (const line of this.#odd.splice(0)) this.#out.write(`warning: ${line}\n`);
  }

  #one(event: BuildEvent): void {
    if (event.type === 'log') this.#log(event);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'progress') this.#pulls.print({ id: event.id, status: event.status, progressDetail: { total: event.total } });
    else if (event.type === 'warning' && event.rule !== undefined) this.#odd.push(warningLine(event));
    else if (event.type === 'warning') this.#out.write(`warning: ${warningLine(event)}\n`);
  }

  #step(event: Extract<BuildEvent, { type: 'step' }>): void {
    const name = `[${event.stage} ${event.index}/${event.total}] ${firstLine(event.text)}`;
    const wasRunning = this.#running.delete(event.index);
    if (event.status === 'started') this.#running.set(event.index, name);
    else if (event.status === 'finished' && !wasRunning) return; // ENV and the like: nothing had to be run
    const text = { started: name, cached: `CACHED ${name}`, finished: `DONE ${name}${event.durationMs === undefined ? '' : ` (${formatDuration(event.durationMs)})`}`, failed: `FAILED ${name}` }[event.status];
    this.#out.write(`#${event.index} ${text}\n`);
  }

  /** Whole lines only, each with the number of its step, so that parallel steps stay apart. */
  #log(event: Extract<BuildEvent, { type: 'log' }>): void {
    const key = `${event.index} ${event.stream}`;
    const lines = ((this.#partial.get(key) ?? '') + event.text).split('\n');
    this.#partial.set(key, lines.pop() ?? '');
    for (const line of lines) this.#out.write(`#${event.index} ${lastState(line)}\n`);
  }

  #status(): string {
    const [first] = this.#running.values();
    if (first === undefined) return '';
    const more = this.#running.size > 1 ? ` and ${this.#running.size - 1} more` : '';
    return `… ${first}${more}`.slice(0, Math.max(20, (this.#out.columns || 80) - 1));
  }
}

/** Of a line that overwrote itself (a percentage), what was left of it. */
function lastState(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
