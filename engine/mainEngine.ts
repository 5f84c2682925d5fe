import { writeSync, closeSync } from 'node:fs';
import type { Server } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { EngineConfig } from './base/config.ts';
import { asBerthError, hostCommandFailed } from './base/errors.ts';
import { jsonLog } from './base/log.ts';
import type { Log } from './base/log.ts';
import { makeEngineFolder } from './base/makeFolders.ts';
import { run } from './host/process.ts';
import { enterScope } from './host/rootless/delegation.ts';
import { startInside, waitInside } from './host/rootless/enterKeeper.ts';
import { whenKeeperLeaves } from './host/rootless/portDriver.ts';
import { obtainKeeper } from './host/rootless/keeper.ts';
import { lingerOverSsh } from './host/rootless/linger.ts';
import { hasOneId, oneIdWarning } from './host/userNamespace.ts';
import { composeEngine } from './mainServices.ts';
import { Activity } from './server/activity.ts';
import { openEngineLog } from './server/engineLog.ts';
import { createHttpServer } from './server/httpServer.ts';
import { listenOnSocket } from './server/listen.ts';
import { Relay } from './server/relay/relay.ts';
import { relayRoutes } from './server/routes/berth/relay.ts';
import { takeEngineLock } from './state/engineLock.ts';
import { version } from './version.ts';

export interface ServeOptions {
  readonly onDemand: boolean;
  readonly readyFd: number | undefined;
}

/** Serves until a signal, `berth engine stop` or idleness ends it; for an ordinary user, inside namespaces of theirs. Says on `readyFd` whether it serves. */
export async function serve(config: EngineConfig, options: ServeOptions, interrupted: AbortSignal): Promise<void> {
  const say = readiness(options.readyFd);
  try {
    if (process.getuid?.() !== 0) return await serveInside(config, options, interrupted);
    await serveLocked(config, options, interrupted, () => say('ready'));
  } catch (error) {
    const known = asBerthError(error);
    say(JSON.stringify({ message: known.message, code: known.code, params: known.params }));
    throw known;
  }
}

/** Starts the engine inside the namespaces. One that was asked for on demand is left to itself; in the foreground its end is ours. */
async function serveInside(config: EngineConfig, { onDemand, readyFd }: ServeOptions, interrupted: AbortSignal): Promise<void> {
  await makeEngineFolder(config.runRoot, 'BERTH_RUN_ROOT');
  await lingerOverSsh(config.dataRoot);
  await using keeper = await obtainKeeper(config);
  await enterScope(config.instance, keeper.folder);
  const args = [...process.execArgv, process.argv[1] ?? '', 'engine', ...(onDemand ? ['--on-demand'] : []), ...(readyFd === undefined ? [] : ['--ready-fd', '3'])];
  const child = startInside(keeper, config, { program: process.execPath, args, readyFd });
  if (readyFd !== undefined) closeSync(readyFd); // the engine's to speak on now
  if (onDemand) child.unref();
  else process.exitCode = await waitInside(child, interrupted);
}

/** Removes the data root; of an ordinary user inside their namespaces, where the files of every mapped id are theirs. No engine may be running. */
export async function removeData(config: EngineConfig): Promise<void> {
  const { dataRoot } = config;
  const command = { program: 'flock', args: ['-n', join(dataRoot, 'engine.lock'), 'rm', '-rf', '--one-file-system', '--', dataRoot] };
  if (userInfo().uid === 0) await run(command.program, command.args);
  else {
    await using keeper = await obtainKeeper(config);
    const status = await waitInside(startInside(keeper, config, command), new AbortController().signal);
    if (status !== 0) throw hostCommandFailed({ command: command.args.join(' '), status, stderr: 'see above' });
  }
}

async function serveLocked(config: EngineConfig, options: ServeOptions, interrupted: AbortSignal, ready: () => void): Promise<void> {
  // It has served: other programs of Node that the engine starts, a project's initializeCommand for one, shall not fill the folder.
  delete process.env['NODE_COMPILE_CACHE'];
  await makeEngineFolder(config.runRoot, 'BERTH_RUN_ROOT');
  const lock = await takeEngineLock(config.dataRoot);
  const logFile = join(config.dataRoot, 'engine.log');
  const out = openEngineLog(logFile);
  const log = jsonLog(options.onDemand ? out : { write: (text: string) => process.stderr.write(text) && out.write(text) }, process.env['BERTH_LOG_LEVEL'] === 'debug' ? 'debug' : 'info');
  guardProcess(log);
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  interrupted.addEventListener('abort', () => stop(), { once: true });
  try {
    const services = await composeEngine({ config, log, logFile, idleSeconds: options.onDemand ? config.idleSeconds : 0, stop: () => stop() });
    const relay = new Relay({ log, accept: (stream) => server.emit('connection', stream), containerAddress: services.containerAddress, patienceMs: linkPatienceSeconds(process.env) * 1000 });
    const activity = new Activity(options.onDemand ? config.idleSeconds : 0, () => services.isNeeded() || relay.isNeeded, () => {
      log.info('nothing to do: leaving');
      stop();
    });
    const server: Server = createHttpServer({ routes: [...services.routes, ...relayRoutes(relay)], log, activity, serverName: `Berth/${version} (linux)` });
    await listenOnSocket(server, config.socketPath);
    const keeper = config.keeper === undefined ? undefined : whenKeeperLeaves(config.keeper, () => {
      log.error('the keeper of the namespaces is gone, and with it their network: leaving', { keeper: config.keeper });
      stop();
    });
    log.info('serving', { socket: config.socketPath, pid: process.pid, version, node: process.version });
    if (hasOneId()) log.warn(oneIdWarning);
    ready();
    await stopped;
    log.info('stopping', { pid: process.pid });
    keeper?.stop();
    activity.stop();
    relay.close({ code: 'ENGINE_STOPPED', detail: 'the engine was stopped; containers go on' });
    server.close();
    server.closeAllConnections();
    await services.close();
  } finally {
    await lock.release();
  }
  // Hijacked connections are not the server's any more; they must not hold the process.
  setTimeout(() => process.exit(0), 50).unref();
  out.end(() => process.exit(0));
}

/** How long the sessions of a lost link wait for it: BERTH_LINK_PATIENCE_SECONDS, else ten minutes. */
function linkPatienceSeconds(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env['BERTH_LINK_PATIENCE_SECONDS'] ?? 600);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 600;
}

/** A fault in one request must not end the engine: containers' clients depend on it. It is logged, with its stack. */
function guardProcess(log: Log): void {
  process.on('uncaughtException', (error) => log.error('uncaught exception', { error }));
  process.on('unhandledRejection', (reason) => log.error('unhandled rejection', { error: reason }));
}

function readiness(fd: number | undefined): (line: string) => void {
  let said = fd === undefined;
  return (line) => {
    if (said || fd === undefined) return;
    said = true;
    try {
      writeSync(fd, `${line}\n`);
      closeSync(fd);
    } catch {
      // whoever started the engine has left already
    }
  };
}
