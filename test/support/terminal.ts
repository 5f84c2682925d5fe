import { start } from '../../engine/host/process.ts';
import type { RunOptions } from '../../engine/host/process.ts';

/**
 * Runs a program on a real terminal (util-linux's `script` makes it) and talks to it: `say` types a line once `when` is on
 * the screen. Resolves to the whole screen text and the exit status.
 */
export function onTerminal(args: readonly string[], talk: ReadonlyArray<{ when: RegExp; say: string }>, options: RunOptions = {}): Promise<{ screen: string; status: number }> {
  const command = args.map((arg) => `'${arg.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const child = start('script', ['-q', '-e', '-f', '-c', command, '/dev/null'], { cwd: options.cwd, env: { ...options.env, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting = [...talk];
  let screen = '';
  let from = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    const next = waiting[0];
    const hit = next?.when.exec(screen.slice(from));
    if (!next || !hit) return;
    waiting.shift();
    from = screen.length;
    child.stdin?.write(next.say);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ screen, status: status ?? -1 }));
    options.signal?.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  });
}
