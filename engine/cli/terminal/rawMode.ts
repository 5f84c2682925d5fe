import { once } from 'node:events';
import { start } from '../../host/process.ts';

/**
 * Puts our terminal into raw mode; the result puts it back. Node leaves the translation of line feeds on, by which programs that
 * draw (editors, pagers) and use a bare line feed to go down would end up at the left edge: stty takes it off.
 */
export function enterRawMode(stdin: NodeJS.ReadStream): () => Promise<void> {
  stdin.setRawMode(true);
  const stty = start('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  const done = once(stty, 'close').catch(() => undefined); // a host without stty: nearly raw is better than nothing
  return async () => {
    await done;
    stdin.setRawMode(false);
  };
}
