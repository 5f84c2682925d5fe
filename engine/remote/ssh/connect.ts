import { BerthError } from '../../base/errors.ts';
import type { Ask, HostConnection } from '../connection.ts';
import { thisMachine } from './environment.ts';
import type { SshEnvironment } from './environment.ts';
import { resolveHostConfig } from './hostConfig.ts';
import type { HostConfig } from './hostConfig.ts';
import { HostKeyCheck } from './hostKeyCheck.ts';
import { connectBySsh2 } from './ssh2Connect.ts';
import { sshAuthFailed, sshHandshakeFailed, sshJumpFailed, sshProxyLoop } from './sshErrors.ts';
import { connectBySystemSsh } from './systemSsh.ts';
import { describeTarget, parseHostUrl } from './target.ts';
import type { SshTarget } from './target.ts';

/** Who makes the connection: `auto` takes ssh2 where it can do what the configuration asks for, else the system's ssh. */
export type Transport = 'auto' | 'ssh2' | 'system';

export interface ConnectOptions {
  readonly ask: Ask;
  readonly transport?: Transport | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Replace the user's home and environment. */
  readonly home?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** One ssh_config instead of the user's and the system's; `none`: no file. */
  readonly configFile?: string | undefined;
}

interface Way {
  readonly environment: SshEnvironment;
  readonly ask: Ask;
  readonly signal: AbortSignal;
  readonly configFile: string | undefined;
}

interface Step {
  readonly config: HostConfig;
  readonly hostKeys: HostKeyCheck;
  /** Hosts that lead to this one, in order. */
  readonly jumps: readonly Step[];
}

/**
 * Connects to a host (`ssh://user@host:port`, `user@host`, an alias of ssh_config) as the user's own ssh would, and logs in.
 * Questions go to `ask`. Throws the errors of `sshErrors.ts` and `hostKeyCheck.ts`, SSH_CONFIG_INVALID, INVALID_HOST_URL.
 */
export async function connectToHost(target: string | SshTarget, options: ConnectOptions): Promise<HostConnection> {
  const transport = options.transport ?? 'auto';
  const way: Way = { environment: thisMachine(options), ask: options.ask, signal: options.signal ?? new AbortController().signal, configFile: options.configFile };
  const parsed = typeof target === 'string' ? parseHostUrl(target) : target;
  if (transport === 'system') return bySystem(parsed, way, 'chosen');
  const step = await plan(parsed, way, undefined, []);
  const reason = transport === 'auto' ? reasonForSystem(step) : undefined;
  if (reason !== undefined) return bySystem(parsed, way, reason);
  try {
    return await follow(step, way);
  } catch (error) {
    if (transport === 'ssh2' || !systemCouldHelp(error)) throw error;
    // What ssh2 could not do OpenSSH may: but where it fails as well, the first error says more.
    return bySystem(parsed, way, error instanceof BerthError ? error.code : 'ssh2').catch(() => {
      throw error;
    });
  }
}

async function bySystem(target: SshTarget, way: Way, reason: string): Promise<HostConnection> {
  const config = await resolveHostConfig(target, way.environment, way.configFile);
  return connectBySystemSsh(target, { ...way, config, reason, host: describeTarget({ host: config.hostName, user: config.user, port: config.port }) });
}

/** Works out every host on the way. `jumps`: replaces the target's own ProxyJump, as ssh does for the hosts of a list. */
async function plan(target: SshTarget, way: Way, jumps: readonly SshTarget[] | undefined, seen: readonly string[]): Promise<Step> {
  const config = await resolveHostConfig(target, way.environment, way.configFile);
  // By the names as written: several may lead to one address on purpose.
  const name = describeTarget({ host: target.host, port: target.port });
  const chain = [...seen, name];
  if (seen.includes(name)) throw sshProxyLoop({ host: seen[0] ?? name, chain: chain.join(' → ') });
  const hops = jumps ?? config.proxyJump;
  const last = hops.at(-1);
  const hostKeys = await HostKeyCheck.load(config, way.environment);
  const via = last ? await plan(last, way, hops.length > 1 ? hops.slice(0, -1) : undefined, chain) : undefined;
  return { config, hostKeys, jumps: via ? [...via.jumps, via] : [] };
}

async function follow(step: Step, way: Way): Promise<HostConnection> {
  const target = describe(step);
  let via: HostConnection | undefined;
  for (const hop of step.jumps) {
    via = await connectBySsh2(hop.config, { ...way, hostKeys: hop.hostKeys, via, host: describe(hop) }).catch((cause: unknown) => {
      throw sshJumpFailed({ host: target, hop: describe(hop), detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
    });
  }
  return connectBySsh2(step.config, { ...way, hostKeys: step.hostKeys, via, host: target });
}

function describe({ config }: Step): string {
  return describeTarget({ host: config.hostName, user: config.user, port: config.port });
}

function reasonForSystem(step: Step): string | undefined {
  for (const { config, hostKeys } of [...step.jumps, step]) {
    if (config.needsSystemSsh.length > 0) return config.needsSystemSsh.join(', ');
    if (hostKeys.hasCertificateAuthority && hostKeys.knownTypes.length === 0) return '@cert-authority in known_hosts';
  }
  return undefined;
}

/** Errors behind which is a limit of ssh2: hardware keys, certificates, algorithms. */
function systemCouldHelp(error: unknown): boolean {
  if (sshJumpFailed.is(error)) return systemCouldHelp(error.cause);
  return (sshAuthFailed.is(error) && /security key|certificate|\(sk-|-cert-/.test(`${error.params.tried}`)) || (sshHandshakeFailed.is(error) && /no matching/i.test(`${error.params.detail}`));
}
