import { join } from 'node:path';

/**
 * Where one engine keeps its things. Two engines with different roots and instance names share nothing: each has its own
 * store, socket, bridge and nft table, so tests run beside the user's engine.
 */
export interface EngineConfig {
  /** Data that outlives a reboot: images, snapshots, containers. */
  readonly dataRoot: string;
  /** Data that does not: socket, pids, bundles' runtime files. */
  readonly runRoot: string;
  readonly socketPath: string;
  /** Names the bridge (`berth0` for the default `berth`, else `br-<instance>`) and the nft table (`berth` or `berth-<instance>`). At most 8 characters of [a-z0-9]. */
  readonly instance: string;
  /** Seconds without a client, container or job after which an engine started on demand exits; 0: never. */
  readonly idleSeconds: number;
  /** `crun` or `runc`: the only OCI runtime to be used; absent: the first of both that works. */
  readonly runtime?: string;
  /** User namespaces of containers that say nothing of it: '' none, `auto` a range of ids for each, else whose range in /etc/subuid they share (`default`, `user` or `user:group`). */
  readonly usernsRemap?: string;
  /** Ids that containers' own ranges are taken from, `first:size` with commas between; '': those of `berth` in /etc/subuid. */
  readonly usernsPool?: string;
  /** Containers get labels of SELinux where the kernel has it, as with dockerd's `--selinux-enabled`. */
  readonly seLinux?: boolean;
  /** The folder of the keeper in whose namespaces this engine serves an ordinary user; absent: it is the host's root. */
  readonly keeper?: string;
}

/**
 * The configuration from the environment: BERTH_DATA_ROOT, BERTH_RUN_ROOT, BERTH_SOCKET, BERTH_INSTANCE, BERTH_IDLE_SECONDS, BERTH_RUNTIME, BERTH_USERNS_REMAP,
 * BERTH_USERNS_POOL, BERTH_SELINUX.
 * The uid is asked for without the user's name: users of a directory service may have none that the C library we carry can look up.
 */
export function configFromEnvironment(env: NodeJS.ProcessEnv, uid: number = process.getuid?.() ?? -1): EngineConfig {
  const home = env['HOME'] ?? '/';
  const dataRoot = env['BERTH_DATA_ROOT'] ?? (uid === 0 ? '/var/lib/berth' : join(env['XDG_DATA_HOME'] ?? join(home, '.local/share'), 'berth'));
  const runRoot = env['BERTH_RUN_ROOT'] ?? (uid === 0 ? '/run/berth' : join(env['XDG_RUNTIME_DIR'] ?? `/tmp/berth-${uid}`, 'berth'));
  const idle = Number(env['BERTH_IDLE_SECONDS'] ?? 300);
  return {
    dataRoot,
    runRoot,
    socketPath: env['BERTH_SOCKET'] ?? join(runRoot, 'berth.sock'),
    instance: env['BERTH_INSTANCE'] ?? 'berth',
    idleSeconds: Number.isFinite(idle) && idle >= 0 ? idle : 300,
    ...(env['BERTH_RUNTIME'] ? { runtime: env['BERTH_RUNTIME'] } : {}),
    ...(env['BERTH_USERNS_REMAP'] ? { usernsRemap: env['BERTH_USERNS_REMAP'] } : {}),
    ...(env['BERTH_USERNS_POOL'] ? { usernsPool: env['BERTH_USERNS_POOL'] } : {}),
    ...(['1', 'on', 'true'].includes(env['BERTH_SELINUX'] ?? '') ? { seLinux: true } : {}),
    ...(env['BERTH_KEEPER'] ? { keeper: env['BERTH_KEEPER'] } : {}),
  };
}
