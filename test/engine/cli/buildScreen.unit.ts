import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import type { BuildEvent } from '../../../engine/api/berth/build.ts';
import { formatFailure } from '../../../engine/cli/output/buildFailure.ts';
import { buildFrame } from '../../../engine/cli/output/buildFrame.ts';
import type { ShownStep } from '../../../engine/cli/output/buildFrame.ts';
import { BuildScreen } from '../../../engine/cli/output/buildScreen.ts';
import { displayWidth, fitted, plainText } from '../../../engine/cli/output/displayWidth.ts';

/** What a terminal shows: knows the few sequences that the picture is made of, and nothing else. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly columns = 60;
  readonly rows = 12;
  readonly #lines: string[] = [''];
  #at = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const [part] of chunk.toString().matchAll(/\u001b\[\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g)) this.#take(part);
    done();
  }

  #take(part: string): void {
    const [, count = '', what = ''] = /^\u001b\[(\d*)([A-Z])$/.exec(part) ?? [];
    if (part === '\n') this.#lines[++this.#at] ??= '';
    else if (part === '\r') return;
    else if (what === 'A') this.#at -= Number(count);
    else if (what === 'K') this.#lines[this.#at] = '';
    else if (what === 'J') this.#lines.splice(this.#at, Infinity, '');
    else {
      assert.equal(what, '', `unknown sequence ${JSON.stringify(part)}`);
      assert.ok(displayWidth(part) < this.columns, `too long: ${part}`);
      this.#lines[this.#at] = part;
    }
  }

  shown(): string[] {
    return this.#lines.map((line) => line.replace(/ {2,}/g, '  '));
  }
}

const step = (index: number, status: 'started' | 'cached' | 'finished' | 'failed', text: string, more: object = {}): BuildEvent => ({ type: 'step', index, total: 4, line: index, stage: 'app', text, status, ...more });

describe('the picture of a build on a terminal', () => {
  let now: number;
  let terminal: Terminal;
  let screen: BuildScreen;
  beforeEach(() => {
    now = 0;
    terminal = new Terminal();
    screen = new BuildScreen(terminal as unknown as NodeJS.WriteStream, { env: { NO_COLOR: '1' }, now: () => now });
  });
  const tell = (...events: readonly BuildEvent[]): void => {
    for (const event of events) {
      now += 1000;
      screen.print(event);
    }
  };

  it('shows what is done in a line, what runs with its last words, and folds them once it is done', () => {
    tell({ type: 'plan', total: 4 }, step(1, 'finished', 'FROM debian'), step(2, 'cached', 'COPY a /a'), step(3, 'started', 'RUN make'), { type: 'log', index: 3, stream: 'stdout', text: 'one\ntwo\n10%\r20%' });
    assert.deepEqual(terminal.shown(), ['[+] Building 5.0s (2/4)', ' => CACHED [app 2/4] COPY a /a  0.0s', ' => [app 3/4] RUN make  1.0s', ' => => # one', ' => => # two', ' => => # 20%', '']);
    tell(step(3, 'finished', 'RUN make', { durationMs: 1500 }), step(4, 'finished', 'CMD x'));
    screen.end();
    assert.deepEqual(terminal.shown(), ['[+] Building 7.0s (4/4)  FINISHED', ' => CACHED [app 2/4] COPY a /a  0.0s', ' => [app 3/4] RUN make  1.5s', '']);
  });

  it('says at its end why it failed: the last words, and where in the Dockerfile', () => {
    tell({ type: 'plan', total: 4 }, step(2, 'started', 'RUN sleep 9'), step(3, 'started', 'RUN false'), step(3, 'failed', 'RUN false'));
    tell({ type: 'failure', file: 'Dockerfile', line: 2, column: 1, output: 'last\u001b[31m words', excerpt: [{ line: 1, text: 'FROM debian' }, { line: 2, text: 'RUN false' }] });
    screen.end();
    const lines = terminal.shown();
    assert.match(lines[0] ?? '', /^\[\+\] Building .* FAILED$/);
    assert.ok(lines.includes(' => ERROR [app 3/4] RUN false  1.0s'), lines.join('\n'));
    assert.ok(lines.includes(' => CANCELED [app 2/4] RUN sleep 9  3.0s'), lines.join('\n'));
    assert.deepEqual(lines.slice(-10), ['------', ' > [app 3/4] RUN false:', 'last words', '------', 'Dockerfile:2', '-'.repeat(20), ' 1 |  FROM debian', ' 2 | >>> RUN false', '-'.repeat(20), '']);
  });

  it('is never longer than the terminal, and wraps no line, whatever is printed', () => {
    tell({ type: 'plan', total: 40 });
    for (let index = 1; index <= 30; index++) tell(step(index, 'started', `RUN 한국어 ${'x'.repeat(index * 5)}`), { type: 'log', index, stream: 'stdout', text: `${'漢'.repeat(index * 3)}\u001b[2J\ttab\n` }, ...(index % 2 === 0 ? [step(index, 'finished', 'RUN')] : []));
    assert.ok(terminal.shown().length <= terminal.rows, String(terminal.shown().length));
    screen.end();
  });

  it('shows images and layers while they are on their way', () => {
    tell({ type: 'plan', total: 4 }, { type: 'progress', id: 'abc', status: 'Downloading', current: 5_000_000, total: 10_000_000 });
    assert.deepEqual(terminal.shown(), ['[+] Building 2.0s (0/4)', ' => => abc: Downloading 5MB / 10MB', '']);
    tell({ type: 'progress', id: 'abc', status: 'Pull complete' });
    assert.deepEqual(terminal.shown(), ['[+] Building 3.0s (0/4)', '']);
    screen.end();
  });
});

describe('a frame', () => {
  const running = (name: string, lines: readonly string[]): ShownStep => ({ name, status: 'running', took: 0, lines });
  it('gives what runs the room, then the newest of what is done', () => {
    const steps = [...Array.from({ length: 20 }, (_, index): ShownStep => ({ name: `done ${index}`, status: 'finished', took: 0, lines: [] })), running('a', ['1', '2', '3']), running('b', [])];
    const frame = buildFrame({ steps, transfers: [], done: 20, total: 22, took: 0, ended: false }, { columns: 40, rows: 10, colours: false });
    assert.deepEqual(frame.map((line) => line.trim().replace(/ {2,}.*/, '')), ['[+] Building 0.0s (20/22)', '=> done 17', '=> done 18', '=> done 19', '=> a', '=> => # 1', '=> => # 2', '=> => # 3', '=> b']);
  });
});

describe('widths of text', () => {
  it('count wide characters twice, marks not at all, and take control sequences away', () => {
    assert.deepEqual([displayWidth('ab'), displayWidth('한글'), displayWidth('e\u0301'), plainText('a\u001b[1mb\u001b]0;title\u0007\u0008c')], [2, 4, 1, 'abc']);
    assert.deepEqual([fitted('abcdef', 4), fitted('한글한글', 5), fitted('ab', 2)], ['abc…', '한글…', 'ab']);
  });
});

describe('the end of a build that failed', () => {
  it('names the file where no step is known, and prints no empty words', () => {
    assert.equal(formatFailure({ type: 'failure', file: 'D', line: 1, column: 1, excerpt: [{ line: 1, text: 'FRO x' }] }, undefined), `D:1\n${'-'.repeat(20)}\n 1 | >>> FRO x\n${'-'.repeat(20)}\n`);
  });
});
