import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemCode } from '../../base/errors.ts';
import { start } from '../../host/process.ts';
import type { HostConnection } from '../connection.ts';
import { childStream } from './childStream.ts';
import { shellFor } from './environment.ts';
import type { SshEnvironment } from './environment.ts';
import type { HostConfig } from './hostConfig.ts';
import { atMost } from './patience.ts';
import { sshJumpFailed, sshNameUnknown, sshProxyFailed, sshRefused, sshUnreachable } from './sshErrors.ts';
import { describeTarget } from './target.ts';

/** The bytes' way to a host's sshd. */
export interface TransportStream {
  readonly stream: Duplex;
  /** Asked after it ended: why, where the way itself knows. */
  failure(): Promise<Error | undefined>;
}

export interface WayOptions {
  readonly environment: SshEnvironment;
  /** The jump host's connection. */
  readonly via: HostConnection | undefined;
  readonly host: string;
  readonly signal: AbortSignal;
}

/** Opens the way that the configuration says: through the jump host, by ProxyCommand, or straight. */
export async function openTransportStream(config: HostConfig, options: WayOptions): Promise<TransportStream> {
  if (options.via) return { stream: await throughJump(config, options.via, options.host), failure: () => Promise.resolve(undefined) };
  if (config.proxyCommand !== undefined) return byCommand(config.proxyCommand, options);
  return straight(config, options);
}

/** How long a command may take to end after its output did. */
const LAST_WORDS_MS = 1_000;

async function throughJump(config: HostConfig, via: HostConnection, host: string): Promise<Duplex> {
  try {
    return await via.openTcp(config.hostName, config.port);
  } catch (cause) {
    throw sshJumpFailed({ host, hop: via.description, detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
  }
}

function byCommand(command: string, options: WayOptions): TransportStream {
  const { environment, host, signal } = options;
  // As ssh does: the shell becomes the command, so that ending it ends the command.
  const { program, args, options: flags } = shellFor(environment.platform === 'win32' ? command : `exec ${command}`, environment.platform, environment.env);
  const child = start(program, args, { env: environment.env, ...flags, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  let status: string | undefined;
  child.stderr?.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString()}`.slice(-1_000)));
  child.once('error', (error) => (status = error.message));
  const stream = childStream(child);
  stream.on('error', () => undefined); // how the command ended says more
  child.once('exit', (code, name) => (status ??= `it ended with ${name ?? `status ${code}`}`));
  // Its last words come after its output ended: only then is it known why.
  const over = once(child, 'close').catch(() => undefined);
  void over.then(() => stream.destroy());
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  const failure = async (): Promise<Error | undefined> => {
    await atMost(LAST_WORDS_MS, over);
    return status === undefined ? undefined : sshProxyFailed({ host, command, detail: stderr.trim().split('\n').at(-1) || status });
  };
  return { stream, failure };
}

function straight(config: HostConfig, { host, signal }: WayOptions): Promise<TransportStream> {
  const address = describeTarget({ host: config.hostName, port: config.port === 22 ? undefined : config.port });
  return new Promise((resolve, reject) => {
    const socket = connect({ host: config.hostName, port: config.port, family: config.family, noDelay: true, keepAlive: true, ...(config.bindAddress === undefined ? {} : { localAddress: config.bindAddress }) });
    const abort = (): void => void socket.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.once('connect', () => {
      resolve({ stream: socket, failure: () => Promise.resolve(undefined) });
    });
    socket.once('error', (error) => reject(connectError(error, host, config.hostName, address)));
  });
}

function connectError(error: Error, host: string, name: string, address: string): Error {
  const code = systemCode(error) ?? firstCode(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA' || ('syscall' in error && error.syscall === 'getaddrinfo')) return sshNameUnknown({ host, name, detail: code ?? error.message }, { cause: error });
  if (code === 'ECONNREFUSED') return sshRefused({ host, address }, { cause: error });
  return sshUnreachable({ host, address, detail: code ?? error.message }, { cause: error });
}

/** A name with several addresses fails with one error for each. */
function firstCode(error: Error): string | undefined {
  return error instanceof AggregateError ? error.errors.map(systemCode).find((code) => code !== undefined) : undefined;
}
