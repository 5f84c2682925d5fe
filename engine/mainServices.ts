import { release } from 'node:os';
import type { EngineConfig } from './base/config.ts';
import { EventBus } from './base/eventBus.ts';
import type { Log } from './base/log.ts';
import { engineRoutes } from './server/routes/berth/engine.ts';
import { systemRoutes } from './server/routes/docker/system.ts';
import type { Route } from './server/route.ts';
import { version } from './version.ts';

export interface EngineParts {
  readonly config: EngineConfig;
  readonly log: Log;
  readonly logFile: string;
  readonly idleSeconds: number;
  /** Ends the engine. */
  readonly stop: () => void;
}

export interface ComposedEngine {
  readonly routes: readonly Route[];
  /** Whether something other than a request (a running container, a restart policy) needs the engine. */
  readonly isNeeded: () => boolean;
  close(): Promise<void>;
}

/** Wires the services: the only place that knows all of them. */
export async function composeEngine(parts: EngineParts): Promise<ComposedEngine> {
  const { config } = parts;
  const started = new Date().toISOString();
  const events = new EventBus();
  const counts = { containers: () => ({ running: 0, paused: 0, stopped: 0 }), images: () => 0 };
  const facts = { version, id: 'berth', dataRoot: config.dataRoot, runtimeName: () => 'crun', cgroupVersion: '1' as const, osName: release(), warnings: () => [] };
  const status = () => ({
    version,
    pid: process.pid,
    started,
    node: process.version,
    socketPath: config.socketPath,
    dataRoot: config.dataRoot,
    runRoot: config.runRoot,
    logFile: parts.logFile,
    runtime: null,
    containers: 0,
    containersRunning: 0,
    idleSeconds: parts.idleSeconds,
    memory: process.memoryUsage.rss(),
  });
  await Promise.resolve();
  return { routes: [...systemRoutes(facts, counts, events), ...engineRoutes(status, parts.stop)], isNeeded: () => false, close: () => Promise.resolve() };
}
