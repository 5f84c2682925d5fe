import type { ChildProcess } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import type { EngineConfig } from '../../base/config.ts';
import { start, startFailure } from '../process.ts';
import type { Keeper } from './keeper.ts';
import { enter } from './members.ts';

export interface InsideCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** A descriptor that the program finds as number 3. */
  readonly readyFd?: number | undefined;
}

/** Starts a program as root of the keeper's namespaces, with the configuration of this user's engine. It holds the keeper's life as descriptor 4. */
export function startInside(keeper: Keeper, config: EngineConfig, command: InsideCommand): ChildProcess {
  return start('nsenter', [...enter(keeper.pid, ['mount', 'net']), command.program, ...command.args], { stdio: ['ignore', 'inherit', 'inherit', command.readyFd ?? 'ignore', keeper.life.fd], env: insideEnvironment(config, keeper) });
}

/** In there we are uid 0: where things are must be said. */
function insideEnvironment(config: EngineConfig, { folder }: Keeper): NodeJS.ProcessEnv {
  const compiled = getCompileCacheDir();
  return {
    ...process.env,
    BERTH_DATA_ROOT: config.dataRoot,
    BERTH_RUN_ROOT: config.runRoot,
    BERTH_SOCKET: config.socketPath,
    BERTH_INSTANCE: config.instance,
    BERTH_IDLE_SECONDS: String(config.idleSeconds),
    BERTH_KEEPER: folder,
    // Inside, owners of folders on the way there cannot be told apart: that it is ours was seen out here.
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }),
  };
}

/** Resolves to the status with which the program ends; signals meant for us are its. */
export function waitInside(child: ChildProcess, interrupted: AbortSignal): Promise<number> {
  interrupted.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('nsenter', error)));
    child.once('exit', (status, signal) => resolve(status ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
