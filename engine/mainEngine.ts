import { writeSync, closeSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { EngineConfig } from './base/config.ts';
import { asBerthError, defineError } from './base/errors.ts';
import { jsonLog } from './base/log.ts';
import type { Log } from './base/log.ts';
import { composeEngine } from './mainServices.ts';
import { Activity } from './server/activity.ts';
import { openEngineLog } from './server/engineLog.ts';
import { createHttpServer } from './server/httpServer.ts';
import { listenOnSocket } from './server/listen.ts';
import { Relay } from './server/relay/relay.ts';
import { relayRoutes } from './server/routes/berth/relay.ts';
import { takeEngineLock } from './state/engineLock.ts';
import { version } from './version.ts';

const rootRequired = defineError<{ uid: number }>('ROOT_REQUIRED', 403, (p) => `The engine of this version runs as root only, and you are uid ${p.uid}. Start it with sudo: sudo berth engine start`);

export interface ServeOptions {
  readonly onDemand: boolean;
  readonly readyFd: number | undefined;
}

/** Serves until a signal, `berth engine stop` or idleness ends it. Says on `readyFd` whether it serves. */
export async function serve(config: EngineConfig, options: ServeOptions, interrupted: AbortSignal): Promise<void> {
  const say = readiness(options.readyFd);
  try {
    const uid = process.getuid?.() ?? -1;
    if (uid !== 0) throw rootRequired({ uid });
    await serveLocked(config, options, interrupted, () => say('ready'));
  } catch (error) {
    const known = asBerthError(error);
    say(JSON.stringify({ message: known.message, code: known.code, params: known.params }));
    throw known;
  }
}

async function serveLocked(config: EngineConfig, options: ServeOptions, interrupted: AbortSignal, ready: () => void): Promise<void> {
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
    log.info('serving', { socket: config.socketPath, pid: process.pid, version, node: process.version });
    ready();
    await stopped;
    log.info('stopping', { pid: process.pid });
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
