import { start } from '../../engine/host/process.ts';

/** Reads until the other end of its input is closed, however that comes about. */
const WATCH = 'cat >/dev/null; until rm -rf "$FOLDER"; do sleep 1; done';

/** Has a folder removed when this process ends, even by SIGKILL. What serves from it (links, syncs) notices, and ends too. */
export function removedWithUs(folder: string): void {
  // Not an argument: whose arguments name the folder is what a test takes for its leftovers.
  const watcher = start('sh', ['-c', WATCH], { env: { PATH: process.env['PATH'], FOLDER: folder }, stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  watcher.stdin?.on('error', () => undefined);
  watcher.unref();
  // The pipe alone would keep this process from ending.
  (watcher.stdin as { unref?: () => void } | null)?.unref?.();
}
