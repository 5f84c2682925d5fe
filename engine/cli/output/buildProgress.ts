import type { BuildEvent } from '../../api/berth/build.ts';
import { formatFailure } from './buildFailure.ts';
import type { BuildFailureEvent } from './buildFailure.ts';
import { warningLine } from './buildWarnings.ts';
import { ProgressPrinter } from './pullProgress.ts';
import { formatDuration } from './units.ts';

/** Prints a build, a line for each step and each line of its output. On a terminal there is `BuildScreen`. */
export class BuildProgressPrinter {
  readonly #out: NodeJS.WritableStream;
  readonly #pulls: ProgressPrinter;
  readonly #running = new Map<number, string>();
  readonly #partial = new Map<string, string>();
  /** What of the Dockerfile is odd: said at the end, where it is seen. */
  readonly #odd: string[] = [];
  #failed: string | undefined;
  #failure: BuildFailureEvent | undefined;

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
    this.#pulls = new ProgressPrinter(out);
  }

  print(event: BuildEvent): void {
    if (event.type === 'log') this.#log(event);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'progress') this.#pulls.print({ id: event.id, status: event.status, progressDetail: { total: event.total } });
    else if (event.type === 'warning' && event.rule !== undefined) this.#odd.push(warningLine(event));
    else if (event.type === 'warning') this.#out.write(`warning: ${warningLine(event)}\n`);
    else if (event.type === 'failure') this.#failure = event;
  }

  /** Leaves the terminal to somebody else until the next event. */
  pause(): void {
    for (const [key, text] of this.#partial) if (text !== '') this.#out.write(`#${key.split(' ')[0] ?? ''} ${text}\n`);
    this.#partial.clear();
  }

  end(): void {
    this.pause();
    for (const line of this.#odd.splice(0)) this.#out.write(`warning: ${line}\n`);
    if (this.#failure) this.#out.write(formatFailure(this.#failure, this.#failed));
  }

  #step(event: Extract<BuildEvent, { type: 'step' }>): void {
    const name = stepName(event);
    const wasRunning = this.#running.delete(event.index);
    if (event.status === 'started') this.#running.set(event.index, name);
    else if (event.status === 'finished' && !wasRunning) return; // ENV and the like: nothing had to be run
    if (event.status === 'failed') this.#failed = name;
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
}

/** `[stage 2/7] RUN make`. */
export function stepName({ stage, index, total, text }: Pick<Extract<BuildEvent, { type: 'step' }>, 'stage' | 'index' | 'total' | 'text'>): string {
  return `[${stage} ${index}/${total}] ${firstLine(text)}`;
}

/** Of a line that overwrote itself (a percentage), what was left of it. */
export function lastState(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
