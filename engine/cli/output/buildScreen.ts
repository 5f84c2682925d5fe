import type { BuildEvent } from '../../api/berth/build.ts';
import { formatFailure } from './buildFailure.ts';
import type { BuildFailureEvent } from './buildFailure.ts';
import { buildFrame } from './buildFrame.ts';
import type { ShownBuild, ShownStep } from './buildFrame.ts';
import { lastState, stepName } from './buildProgress.ts';
import { warningLine } from './buildWarnings.ts';
import { formatSize } from './units.ts';

const EVERY_MS = 100;
/** Lines of each step that are kept. */
const KEPT_LINES = 20;

interface Step {
  readonly name: string;
  status: ShownStep['status'];
  readonly begun: number;
  took: number;
  readonly lines: string[];
  partial: string;
}

/** A build on a terminal: a picture of what runs, drawn anew in place; at its end every step, and why it failed. */
export class BuildScreen {
  readonly #out: NodeJS.WriteStream;
  readonly #colours: boolean;
  readonly #now: () => number;
  readonly #begun: number;
  readonly #steps = new Map<number, Step>();
  readonly #settled = new Set<number>();
  readonly #transfers = new Map<string, string>();
  readonly #odd: string[] = [];
  #total = 0;
  #drawn = 0;
  #painted = 0;
  #timer: NodeJS.Timeout | undefined;
  #failure: BuildFailureEvent | undefined;

  constructor(out: NodeJS.WriteStream, options: { readonly env: NodeJS.ProcessEnv; readonly now?: () => number }) {
    this.#out = out;
    this.#colours = (options.env['NO_COLOR'] ?? '') === '' && options.env['TERM'] !== 'dumb';
    this.#now = options.now ?? ((): number => performance.now());
    this.#begun = this.#now();
  }

  print(event: BuildEvent): void {
    this.#timer ??= setInterval(() => this.#paint(), EVERY_MS).unref();
    if (event.type === 'plan') this.#plan(event.total);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'log') this.#log(event);
    else if (event.type === 'progress') this.#transfer(event);
    else if (event.type === 'warning') this.#odd.push(warningLine(event));
    else if (event.type === 'failure') this.#failure = event;
    if (this.#now() - this.#painted >= EVERY_MS) this.#paint();
  }

  /** Leaves the terminal to somebody else until the next event. */
  pause(): void {
    this.#stop();
    this.#paint();
    this.#drawn = 0;
  }

  end(): void {
    this.#stop();
    this.#transfers.clear();
    for (const step of this.#steps.values()) if (step.status === 'running') this.#settle(step, 'cancelled');
    this.#paint(true);
    for (const line of this.#odd.splice(0)) this.#out.write(`warning: ${line}\n`);
    const failed = [...this.#steps.values()].find(({ status }) => status === 'failed');
    if (this.#failure) this.#out.write(formatFailure(this.#failure, failed?.name));
    this.#failure = undefined;
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A build that begins again, without a cache that failed it, begins a new picture. */
  #plan(total: number): void {
    this.#total = total;
    this.#steps.clear();
    this.#settled.clear();
  }

  #step(event: Extract<BuildEvent, { type: 'step' }>): void {
    const known = this.#steps.get(event.index);
    if (event.status !== 'started') this.#settled.add(event.index);
    if (event.status === 'finished' && !known) return; // ENV and the like: nothing had to be run
    const step = known ?? { name: stepName(event), status: 'running', begun: this.#now(), took: 0, lines: [], partial: '' };
    this.#steps.set(event.index, step);
    if (event.status !== 'started') this.#settle(step, event.status, event.durationMs);
  }

  #settle(step: Step, status: ShownStep['status'], took = this.#now() - step.begun): void {
    step.status = status;
    step.took = status === 'cached' ? 0 : took;
  }

  #log({ index, text }: Extract<BuildEvent, { type: 'log' }>): void {
    const step = this.#steps.get(index);
    if (!step) return;
    const lines = (step.partial + text).split('\n');
    step.partial = lines.pop() ?? '';
    step.lines.push(...lines.map(lastState));
    step.lines.splice(0, Math.max(0, step.lines.length - KEPT_LINES));
  }

  #transfer({ id, status, current, total }: Extract<BuildEvent, { type: 'progress' }>): void {
    if (id === undefined) return;
    if (/complete|exists|Pushed|Mounted/.test(status)) this.#transfers.delete(id);
    else this.#transfers.set(id, `${id}: ${status}${current === undefined || total === undefined ? '' : ` ${formatSize(current)} / ${formatSize(total)}`}`);
  }

  #paint(ended = false): void {
    this.#painted = this.#now();
    const lines = buildFrame(this.#shown(ended), { columns: this.#out.columns || 80, rows: this.#out.rows || 24, colours: this.#colours });
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    this.#out.write(`\r${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#drawn = ended ? 0 : lines.length;
  }

  #shown(ended: boolean): ShownBuild {
    const now = this.#now();
    const steps = [...this.#steps].sort(([a], [b]) => a - b).map(([, step]) => ({ ...step, took: step.status === 'running' ? now - step.begun : step.took, lines: step.partial === '' ? step.lines : [...step.lines, lastState(step.partial)] }));
    return { steps, transfers: [...this.#transfers.values()], done: this.#settled.size, total: this.#total, took: now - this.#begun, ended };
  }
}
