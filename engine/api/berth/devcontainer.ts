import { z } from 'zod';
import { buildEventSchema } from './build.ts';

const absolute = z.string().startsWith('/', 'must be an absolute path');
const config = z.string().min(1).optional();

/** The body of `POST /berth/v1/devcontainers/up`. */
export const upRequestSchema = z.strictObject({
  /** The project's folder on the engine's host. */
  folder: absolute,
  /** Which devcontainer.json: absolute, or relative to the folder. Default: the standard places. */
  config,
  /** What `${localEnv:…}` means: the environment of who asks. Default: the engine's. */
  localEnv: z.record(z.string(), z.string()).optional(),
  /** Remove the container there is and make a new one. */
  removeExistingContainer: z.boolean().optional(),
  /** Build every step of the image again. */
  noCache: z.boolean().optional(),
  /** Ask the registries for newer base images when building. */
  pull: z.boolean().optional(),
  /** Run no lifecycle command in the container. */
  skipPostCreate: z.boolean().optional(),
  /** Do not run postAttachCommand. */
  skipPostAttach: z.boolean().optional(),
  /** Run the lifecycle commands up to `waitFor` only; the next `up` runs the others. */
  skipNonBlockingCommands: z.boolean().optional(),
});
export type UpRequest = z.infer<typeof upRequestSchema>;

/** Names a dev container by its folder, and by its definition where the folder has several. */
export const devContainerRefSchema = z.strictObject({ folder: absolute, config });
export type DevContainerRef = z.infer<typeof devContainerRefSchema>;

export const stopRequestSchema = devContainerRefSchema.extend({
  /** Seconds to wait before killing. */
  timeout: z.number().optional(),
});

export const execSpecRequestSchema = devContainerRefSchema.extend({
  /** As in `up`: for `${localEnv:…}` in `remoteEnv`. */
  localEnv: z.record(z.string(), z.string()).optional(),
});
export type ExecSpecRequest = z.infer<typeof execSpecRequestSchema>;

/** How to run a process in a dev container by Docker's exec API. */
export const execSpecSchema = z.looseObject({
  containerId: z.string(),
  user: z.string(),
  /** `NAME=value`: the user's own environment, and `remoteEnv` over it. */
  env: z.array(z.string()),
  cwd: z.string(),
  /** The user's shell. */
  shell: z.string(),
});
export type ExecSpec = z.infer<typeof execSpecSchema>;

/** An item of `GET /berth/v1/devcontainers`, and the answer of `stop` and `down`. */
export const devContainerSchema = z.looseObject({
  containerId: z.string(),
  /** The container's. */
  name: z.string(),
  folder: z.string(),
  configFile: z.string(),
  /** Docker's word: `running`, `exited`, `created`, … */
  state: z.string(),
  status: z.string(),
  /** RFC 3339, UTC. */
  created: z.string(),
});
export type DevContainer = z.infer<typeof devContainerSchema>;

const upSuccessSchema = z.looseObject({ type: z.literal('result'), outcome: z.literal('success'), containerId: z.string(), remoteUser: z.string(), remoteWorkspaceFolder: z.string() });
/** How long work on a dev container ends when it fails. */
export const upErrorSchema = z.looseObject({
  type: z.literal('result'),
  outcome: z.literal('error'),
  message: z.string(),
  description: z.string(),
  containerId: z.string().optional(),
  code: z.string().optional(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

/** What long work on a dev container says on its way, one JSON object a line. */
export const upNewsSchemas = [
  /** A part of the work: `initializeCommand`, `image`, `build`, `container`, `start`, `onCreateCommand`, … `durationMs` when finished. */
  z.looseObject({ type: z.literal('step'), step: z.string(), status: z.enum(['started', 'finished', 'failed']), text: z.string(), durationMs: z.number().optional() }),
  /** Output of a lifecycle command; `command` names it within the step when there are several. */
  z.looseObject({ type: z.literal('log'), step: z.string(), command: z.string().optional(), stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  /** An image on its way. */
  z.looseObject({ type: z.literal('progress'), id: z.string().optional(), status: z.string(), current: z.number().optional(), total: z.number().optional() }),
  /** What the builder says. */
  z.looseObject({ type: z.literal('build'), event: buildEventSchema }),
  z.looseObject({ type: z.literal('warning'), message: z.string() }),
  /** A port of the container (or of a `host` that is reached from inside it) as it can be reached on the engine's host. */
  z.looseObject({ type: z.literal('port'), port: z.number(), host: z.string().optional(), hostIp: z.string(), hostPort: z.number() }),
] as const;

/** What the lines of `up` say; the last is the result. */
export const upEventSchema = z.discriminatedUnion('type', [...upNewsSchemas, z.discriminatedUnion('outcome', [upSuccessSchema, upErrorSchema])]);
export type UpEvent = z.infer<typeof upEventSchema>;
export type UpResult = z.infer<typeof upSuccessSchema> | z.infer<typeof upErrorSchema>;
