import { z } from 'zod';

/** A port of a running dev container: one that a program in it listens on, one that `forwardPorts` names, or both. */
export const devPortSchema = z.looseObject({
  containerId: z.string(),
  /** The container's name. */
  container: z.string(),
  folder: z.string(),
  configFile: z.string(),
  /** Empty: the container itself; else a host that is reached from inside it (`forwardPorts` as "host:port"). */
  host: z.string(),
  port: z.number(),
  /** Whether a program listens now. Of another host that is not known: taken to be true. */
  listening: z.boolean(),
  /** The program listens on the container's own loopback only. */
  loopbackOnly: z.boolean(),
  families: z.array(z.enum(['ipv4', 'ipv6'])),
  /** Who listens; `pid` on the engine's host. */
  process: z.looseObject({ pid: z.number(), name: z.string(), command: z.string() }).optional(),
  /** Named by `forwardPorts`. */
  declared: z.boolean(),
  /** Where it is reached on the engine's host; absent: nowhere. */
  local: z.looseObject({ host: z.string(), port: z.number() }).optional(),
  /** Published with the container (`appPort`, `-p`), not forwarded. */
  published: z.boolean(),
  /** Why it is not forwarded although it should be. */
  problem: z.looseObject({ code: z.string(), message: z.string(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])) }).optional(),
  label: z.string().optional(),
  protocol: z.enum(['http', 'https']).optional(),
  onAutoForward: z.enum(['notify', 'openBrowser', 'openBrowserOnce', 'openPreview', 'silent', 'ignore']),
  requireLocalPort: z.boolean(),
  elevateIfNeeded: z.boolean(),
});
export type DevPort = z.infer<typeof devPortSchema>;

/** A line of `GET /berth/v1/ports?follow=1`; what there is already comes first, as `open`. */
export const portEventSchema = z.looseObject({ type: z.enum(['open', 'change', 'close']), port: devPortSchema });
export type PortEvent = z.infer<typeof portEventSchema>;

/** The body of `POST /berth/v1/ports/stop` and `…/forward`. */
export const portRefSchema = z.strictObject({ containerId: z.string().min(1), host: z.string().optional(), port: z.int().min(1).max(65535) });
export type PortRef = z.infer<typeof portRefSchema>;
