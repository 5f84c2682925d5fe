import { z } from 'zod';

/**
 * The control socket of a link process (`<runtime folder>/hosts/<name>.ctl.sock`): HTTP with these resources.
 * `GET status`; `GET watch`: the status now and whenever it changes, one a line, and whoever reads it is there to be asked (`?connect=1`: connect now;
 * `?ask=0`: only looks on); `POST answer`: LinkAnswer; `POST connect`: try at once; `POST forward`: LinkForward, answered by LinkForwarded; `POST stop`.
 */
export const linkPaths = {
  status: '/berth/v1/link/status',
  watch: '/berth/v1/link/watch',
  answer: '/berth/v1/link/answer',
  connect: '/berth/v1/link/connect',
  forward: '/berth/v1/link/forward',
  stop: '/berth/v1/link/stop',
} as const;

/** What only a person can say while a connection is made. */
export const questionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('host-key'), host: z.string(), keyType: z.string(), fingerprint: z.string() }),
  z.object({ kind: z.literal('password'), user: z.string(), host: z.string() }),
  z.object({ kind: z.literal('passphrase'), keyFile: z.string() }),
  z.object({ kind: z.literal('keyboard-interactive'), name: z.string(), instructions: z.string(), prompts: z.array(z.object({ prompt: z.string(), echo: z.boolean() }).readonly()).readonly() }),
]);

/** A port of a container on the host, reached at 127.0.0.1:localPort of this machine. */
export const forwardedPortSchema = z.object({
  container: z.string(),
  name: z.string(),
  containerPort: z.number(),
  /** The number it is published under on the host. */
  hostPort: z.number(),
  localPort: z.number(),
});
export type ForwardedPort = z.infer<typeof forwardedPortSchema>;

export const linkStatusSchema = z.looseObject({
  host: z.string(),
  pid: z.number(),
  /** For Docker's clients too: `unix://…`. */
  socketPath: z.string(),
  /** `idle`: nobody needed it yet. `asking`: see `question`. `reconnecting`: see `retryAt` and `error`. `failed`: see `error`; the next use tries again. */
  state: z.enum(['idle', 'connecting', 'asking', 'connected', 'reconnecting', 'failed']),
  /** What is being done while connecting, in English. */
  step: z.string().optional(),
  question: z.object({ id: z.string(), question: questionSchema }).readonly().optional(),
  error: z.object({ code: z.string(), message: z.string(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])) }).readonly().optional(),
  attempt: z.number().optional(),
  /** RFC 3339, UTC. */
  retryAt: z.string().optional(),
  /** False: the host is reached, its engine was stopped or left; the next request starts it. */
  engineServes: z.boolean(),
  connections: z.number(),
  ports: z.array(forwardedPortSchema),
});
export type LinkStatus = z.infer<typeof linkStatusSchema>;

/** `answers` null: the person declined. */
export const linkAnswerSchema = z.object({ id: z.string(), answers: z.array(z.string()).nullable() });

/** Brings a port of the host's own 127.0.0.1 here, as long as the link is there. `path`: also an address that leads a browser to that path of it, once, within a minute. */
export const linkForwardSchema = z.object({ port: z.int().min(1).max(65535), path: z.string().startsWith('/').optional() });
export const linkForwardedSchema = z.looseObject({ localPort: z.number(), once: z.string().optional() });
export type LinkForwarded = z.infer<typeof linkForwardedSchema>;
