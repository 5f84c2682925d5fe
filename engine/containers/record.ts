import { z } from 'zod';
import { containerConfigSchema, hostConfigSchema, idmapSchema } from '../api/docker/container.ts';
import { containerStatusSchema } from '../api/docker/containerView.ts';

export const mountPointSchema = z.object({
  type: z.enum(['bind', 'volume', 'tmpfs']),
  /** A volume's name. */
  name: z.string().optional(),
  /** The path on the host; empty for tmpfs. */
  source: z.string(),
  destination: z.string(),
  readOnly: z.boolean(),
  propagation: z.string(),
  /** What the user wrote behind the second colon. */
  mode: z.string(),
  /** A volume that was made for this container only. */
  anonymous: z.boolean(),
  /** Fill an empty volume with what the image has at the destination. */
  copyUp: z.boolean(),
  recursive: z.boolean(),
  /** Read-only with what is mounted below the source too, or not at all. */
  readOnlyBelow: z.boolean().optional(),
  /** The part of a volume that is mounted, relative to it. */
  subpath: z.string().optional(),
  tmpfsOptions: z.array(z.string()).optional(),
  idmap: idmapSchema.optional(),
});
export type MountPoint = z.infer<typeof mountPointSchema>;

/** Ids of the host that follow one another. */
const idRangeSchema = z.object({ first: z.number().int().positive(), size: z.number().int().positive() });
export type HostIds = z.infer<typeof idRangeSchema>;

const keepIdSchema = z.object({ uid: z.number().int().nonnegative(), gid: z.number().int().nonnegative() });

/** A container's place in a network, whether it runs or not. */
export const networkMemberSchema = z.object({
  /** Its name. */
  network: z.string(),
  aliases: z.array(z.string()),
  /** `container:alias`. */
  links: z.array(z.string()).default([]),
  mac: z.string().optional(),
  ip: z.string().optional(),
  ip6: z.string().optional(),
});
export type NetworkMember = z.infer<typeof networkMemberSchema>;

/** Before containers could be in several networks their one was written beside its mode. */
function fromOneNetwork(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || 'endpoints' in value || !('mode' in value)) return value;
  const { mode, ...member } = value;
  const none = mode === 'host' || mode === 'none' || String(mode).startsWith('container:');
  return { mode, endpoints: none ? [] : [{ network: mode, ...member }] };
}

/** What a container is: `config.json`. Written at creation, rewritten by rename, update and changes of its networks. */
export const recordSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** RFC 3339, UTC. */
  created: z.string(),
  imageId: z.string(),
  /** The image as the user named it. */
  imageRef: z.string(),
  /** Base first. */
  snapshots: z.array(z.string()),
  args: z.array(z.string()),
  /** Docker's Config: the request merged with the image. */
  config: containerConfigSchema,
  hostConfig: hostConfigSchema,
  mounts: z.array(mountPointSchema),
  /** The host's ids that are the container's, from 0 on: its user namespace's map. Absent: the engine's own ids. */
  idRange: idRangeSchema.optional(),
  /** Who in the container the engine's user is (`--userns=keep-id`). Absent, without `idRange`: root. */
  keepId: keepIdSchema.optional(),
  /** Labels of SELinux. Absent: the engine gave none. Without `process`: the container was not to be confined. */
  seLinux: z.object({ process: z.string().optional(), mount: z.string() }).optional(),
  network: z.preprocess(fromOneNetwork, z.object({ mode: z.string(), endpoints: z.array(networkMemberSchema) })),
});
export type ContainerRecord = z.infer<typeof recordSchema>;
export type SeLinuxRecord = NonNullable<ContainerRecord['seLinux']>;

const processSchema = z.object({ pid: z.number(), startTime: z.string() });

/** What a container does: `state.json`. */
export const stateSchema = z.object({
  status: containerStatusSchema,
  process: processSchema.optional(),
  /** conmon's. */
  monitor: processSchema.optional(),
  /** The boot of the kernel in which it was started. */
  boot: z.string().optional(),
  startedAt: z.string(),
  finishedAt: z.string(),
  exitCode: z.number(),
  error: z.string(),
  oomKilled: z.boolean(),
  restartCount: z.number(),
  /** Stopped by its user: no restart policy starts it again. */
  stoppedByUser: z.boolean(),
  /** Paused by the engine for a moment (a commit), not by its user. */
  frozen: z.boolean().optional(),
  /** The first process is systemd (see systemd.ts). */
  systemd: z.boolean().optional(),
  /** The AppArmor profile that it was last started with. */
  appArmor: z.string().optional(),
  /** Of the run that goes on; the looks themselves are kept in memory. */
  health: z.object({ status: z.enum(['starting', 'healthy', 'unhealthy']), failingStreak: z.number() }).optional(),
});
export type ContainerState = z.infer<typeof stateSchema>;

/** Docker's time for "never". */
export const never = '0001-01-01T00:00:00Z';

export const freshState: ContainerState = { status: 'created', startedAt: never, finishedAt: never, exitCode: 0, error: '', oomKilled: false, restartCount: 0, stoppedByUser: false };

/** What a state is when the process has ended. Pure. */
export function withoutProcess({ process: _process, monitor: _monitor, ...rest }: ContainerState): ContainerState {
  return rest;
}
