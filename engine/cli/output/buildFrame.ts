import { displayWidth, fitted, plainText } from './displayWidth.ts';

export interface ShownStep {
  readonly name: string;
  readonly status: 'running' | 'cached' | 'finished' | 'failed' | 'cancelled';
  /** Milliseconds. */
  readonly took: number;
  /** The last lines that it printed. */
  readonly lines: readonly string[];
}

/** What a build looks like at one moment. */
export interface ShownBuild {
  readonly steps: readonly ShownStep[];
  /** Images and layers on their way, by what is said of them. */
  readonly transfers: readonly string[];
  readonly done: number;
  readonly total: number;
  readonly took: number;
  readonly ended: boolean;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
}

const SHOWN_LINES = 6;
const MARKS = { running: '', finished: '', cached: 'CACHED ', failed: 'ERROR ', cancelled: 'CANCELED ' };
const colours = { running: '', cached: '\u001b[34m', finished: '\u001b[34m', failed: '\u001b[31m', cancelled: '\u001b[33m', faint: '\u001b[2m', end: '\u001b[0m' };

/** The lines of a build in progress, no longer than the screen: what runs with the last that it printed, then as much of the rest as has room. At the end, every step. */
export function buildFrame(build: ShownBuild, screen: Screen): string[] {
  const state = build.ended ? (build.steps.some(({ status }) => status === 'failed' || status === 'cancelled') ? 'FAILED' : 'FINISHED') : '';
  const head = row(`[+] Building ${seconds(build.took)} (${build.done}/${build.total})`, state, screen);
  if (build.ended) return [head, ...build.steps.map((step) => stepRow(step, screen))];
  const room = Math.max(4, screen.rows - 2);
  const running = build.steps.filter(({ status }) => status === 'running');
  const each = Math.max(0, Math.min(SHOWN_LINES, Math.floor((room - running.length - build.transfers.length) / Math.max(1, running.length))));
  const used = running.reduce((sum, { lines }) => sum + 1 + Math.min(each, lines.length), 0) + build.transfers.length;
  const others = build.steps.filter(({ status }) => status !== 'running').slice(-Math.max(0, room - used) || build.steps.length);
  const shown = new Set(used < room ? [...others, ...running] : running);
  const rows = build.steps.filter((step) => shown.has(step)).flatMap((step) => [stepRow(step, screen), ...(step.status === 'running' && each > 0 ? step.lines.slice(-each).map((line) => faint(` => => # ${line}`, screen)) : [])]);
  return [head, ...rows, ...build.transfers.map((text) => faint(` => => ${text}`, screen))].slice(0, room + 1);
}

function stepRow({ name, status, took }: ShownStep, screen: Screen): string {
  const text = row(` => ${MARKS[status]}${name}`, seconds(took), screen);
  return screen.colours && colours[status] !== '' ? `${colours[status]}${text}${colours.end}` : text;
}

function faint(text: string, { columns, colours: coloured }: Screen): string {
  const line = fitted(plainText(text), columns - 1);
  return coloured ? `${colours.faint}${line}${colours.end}` : line;
}

/** A line with something at its right end. */
function row(left: string, right: string, { columns }: Screen): string {
  const room = Math.max(10, columns - 1) - right.length - 1;
  const text = fitted(plainText(left), room);
  return right === '' ? text : `${text}${' '.repeat(Math.max(1, room + 1 - displayWidth(text)))}${right}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)}s`;
}
