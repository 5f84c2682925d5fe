import { z } from 'zod';

/**
 * Flags for the Node that runs an engine. A small young generation: what a request leaves is collected at once instead of
 * growing the process, and every fork (one for each runtime call) copies fewer pages.
 */
export const engineNodeFlags: readonly string[] = ['--max-semi-space-size=2'];

/** `GET /berth/v1/engine`: the process that serves, for `berth engine status`. */
export const engineStatusSchema = z.looseObject({
  version: z.string(),
  pid: z.number().int(),
  /** RFC 3339, UTC. */
  started: z.string(),
  node: z.string(),
  socketPath: z.string(),
  dataRoot: z.string(),
  runRoot: z.string(),
  logFile: z.string(),
  runtime: z.looseObject({ name: z.string(), path: z.string(), version: z.string().optional() }).nullable(),
  containers: z.number().int(),
  containersRunning: z.number().int(),
  /** Seconds without work after which it exits; 0: never. */
  idleSeconds: z.number(),
  /** Resident memory in bytes. */
  memory: z.number(),
  /** An ordinary user's engine, in namespaces of theirs; absent from engines that know no such thing. */
  rootless: z.boolean().optional(),
});
export type EngineStatus = z.infer<typeof engineStatusSchema>;
