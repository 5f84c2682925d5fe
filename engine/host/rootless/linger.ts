import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../process.ts';

/** In the data root: that lingering was off before. The removal of the engine by `berth host rm --purge` turns it off again. */
const MARK = 'linger';
const PATIENCE_MS = 20_000;

/**
 * Who came over SSH leaves with the link; systemd then ends all that their own systemd keeps, containers too, unless the user lingers. Most
 * hosts let users decide that for themselves. Where they may not, `berth doctor` says what will happen.
 */
export async function lingerOverSsh(dataRoot: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (env['SSH_CONNECTION'] === undefined || !existsSync('/run/systemd/system') || lingers()) return;
  const { status } = await run('loginctl', ['--no-ask-password', 'enable-linger'], { okStatus: 'any', signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => ({ status: 1 }));
  if (status !== 0) return;
  await mkdir(dataRoot, { recursive: true, mode: 0o700 });
  await writeFile(join(dataRoot, MARK), '');
}

function lingers(): boolean {
  try {
    return existsSync(join('/var/lib/systemd/linger', userInfo().username));
  } catch {
    return true; // a user whom our C library cannot look up: the host's own tools would have to tell, and may be asked to
  }
}
