import { defineError } from '../../base/errors.ts';
import type { OperationContext } from '../../base/context.ts';
import type { HostConnection } from '../connection.ts';
import { copiesScript, removeScript } from './removeScript.ts';
import { runRemote } from './remoteCommand.ts';
import { shellCommand } from './shellCommand.ts';

export interface RemoveOptions {
  /** As when it was installed. */
  readonly dir?: string;
  /** Also containers, images, volumes, copies of synced folders and everything else that the engine keeps for this user on this host, whoever started it. */
  readonly purge: boolean;
  /** What to do where containers run: stop them, or throw REMOTE_CONTAINERS_RUNNING and leave everything as it is; `look`: only that. */
  readonly running: 'stop' | 'refuse' | 'look';
}

export const remoteContainersRunning = defineError<{ host: string; count: number }>('REMOTE_CONTAINERS_RUNNING', 409, (p) => `${p.count === 1 ? 'A container runs' : `${p.count} containers run`} on ${p.host}. Stop what must not be lost there, or remove the engine with --force, which stops them. Nothing was changed.`);
export const remoteRemoveIncomplete = defineError<{ host: string; left: string; detail: string }>('REMOTE_REMOVE_INCOMPLETE', 500, (p) => `Not everything could be removed from ${p.host}: ${p.left} is left${p.detail === '' ? '' : ` (${p.detail})`}. See what uses it there, end that, and try again; or remove it by hand.`);

/** The folders on a host that Berth made to keep them equal with a client's: a purge removes them. */
export async function syncedCopies(connection: HostConnection, dir: string | undefined, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await runRemote(connection, shellCommand(copiesScript, [dir ?? '']), signal, 'looking for synced folders');
  return stdout.split('\n').filter((line) => line.startsWith('copy /')).map((line) => line.slice('copy '.length));
}

/** Stops the engine of a host and removes it, whole or half installed. Returns the folders that are gone. */
export async function removeEngine(connection: HostConnection, options: RemoveOptions, ctx: OperationContext): Promise<readonly string[]> {
  const host = connection.description;
  const args = [options.dir ?? '', options.purge ? 'purge' : 'keep', options.running];
  const { stdout, stderr } = await runRemote(connection, shellCommand(removeScript, args), ctx.signal, 'removing the engine');
  const lines = (name: string): string[] => stdout.split('\n').filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [count] = lines('running');
  if (count !== undefined) throw remoteContainersRunning({ host, count: Number(count) });
  const left = lines('left');
  const detail = stderr.trim().split('\n').at(-1)?.slice(-300) ?? '';
  if (left.length > 0 || !/^end$/m.test(stdout)) throw remoteRemoveIncomplete({ host, left: left.join(', ') || 'part of it', detail });
  return lines('removed');
}
