import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { conmonFiles } from '../host/conmon.ts';
import { identify } from '../host/processIdentity.ts';
import { bootId } from '../host/bootId.ts';
import type { ContainerPaths } from './container.ts';
import { freshState, never } from './record.ts';
import type { ContainerState } from './record.ts';

/**
 * The state of a container whose state.json was damaged, from what else there is: the files of its run say which processes are its, and
 * whether those still run is for the kernel to say (reconcile asks). Its restart count and who stopped it are lost.
 */
export async function lostState(paths: ContainerPaths): Promise<ContainerState> {
  const run = await stat(paths.bundle).catch(() => undefined);
  const log = await stat(paths.log).catch(() => undefined);
  const startedAt = (run?.mtime ?? log?.birthtime)?.toISOString() ?? never;
  if (!run) return { ...freshState, status: log ? 'exited' : 'created', startedAt, finishedAt: log?.mtime.toISOString() ?? never, exitCode: log ? 255 : 0, error: log ? 'its state was damaged and is lost' : '', stoppedByUser: true };
  const [process, monitor] = await Promise.all([conmonFiles.pid, conmonFiles.monitorPid].map(async (name) => identify(Number(await readFile(join(paths.bundle, name), 'utf8').catch(() => '0')) || 0)));
  return { ...freshState, status: 'running', startedAt, boot: bootId(), ...(process ? { process } : {}), ...(monitor ? { monitor } : {}) };
}
