import { readFile, stat } from 'node:fs/promises';
import { start, startFailure } from '../../host/process.ts';
import type { HookCommand } from './hookCommands.ts';
import { parsePasswd } from '../users/passwd.ts';

export interface HostIdentity {
  readonly uid: number;
  readonly gid: number;
  /** HOME, USER, LOGNAME of that user. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * As whom commands on the host run: as the engine's user, but when that is root, as the owner of the folder, so that a
 * project's file cannot act as root on a user's machine. Undefined: as ourselves.
 */
export async function hostIdentity(folder: string): Promise<HostIdentity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = await stat(folder);
  if (uid === 0) return undefined;
  const entry = parsePasswd(await readFile('/etc/passwd', 'utf8')).find((one) => one.uid === uid);
  return { uid, gid, env: entry ? { HOME: entry.home, USER: entry.name, LOGNAME: entry.name } : { HOME: folder } };
}

export interface HostCommandOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly identity: HostIdentity | undefined;
  readonly onOutput: (data: Buffer, stream: 'stdout' | 'stderr') => void;
  readonly signal: AbortSignal;
}

/** Runs one command of `initializeCommand` on the host to its end; returns its status. Aborting kills it and what it started. */
export function runHostCommand(command: HookCommand, options: HostCommandOptions): Promise<number> {
  const [program = '', ...args] = command.args;
  const { identity, signal } = options;
  return new Promise((resolve, reject) => {
    const child = start(program, args, {
      cwd: options.cwd,
      env: identity ? { ...onlyHarmless(options.env), ...identity.env } : options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, to be killed as one
      ...(identity ? { uid: identity.uid, gid: identity.gid } : {}),
    });
    const onAbort = (): void => killGroup(child.pid);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    child.stdout?.on('data', (chunk: Buffer) => options.onOutput(chunk, 'stdout'));
    child.stderr?.on('data', (chunk: Buffer) => options.onOutput(chunk, 'stderr'));
    child.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(startFailure(program, error));
    });
    child.once('close', (code) => {
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(code ?? 128);
    });
  });
}

/** Another user's command gets nothing of root's environment that may be a secret. */
function onlyHarmless(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(PATH|LANG|LC_\w+|TERM|TZ|(https?|no)_proxy)$/i.test(name)));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
