import { join } from 'node:path';

/** Where the engine listens: the setting, else what the engine's own environment variables and defaults say. */
export function engineSocketPath(setting: string, env: Readonly<Record<string, string | undefined>>, uid: number): string {
  if (setting.trim() !== '') return setting.trim().replace(/^unix:\/\//, '').replace(/^~(?=\/)/, env['HOME'] ?? '~');
  if (env['BERTH_SOCKET']) return env['BERTH_SOCKET'];
  const runRoot = env['BERTH_RUN_ROOT'] ?? (uid === 0 ? '/run/berth' : join(env['XDG_RUNTIME_DIR'] ?? `/tmp/berth-${uid}`, 'berth'));
  return join(runRoot, 'berth.sock');
}
