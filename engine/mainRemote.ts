import { closeSync, createWriteStream, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asBerthError } from './base/errors.ts';
import type { OperationContext } from './base/context.ts';
import { jsonLog } from './base/log.ts';
import { makeEngineFolder } from './base/makeFolders.ts';
import type { RemoteHosts } from './cli/commands/host/remoteHosts.ts';
import { quoteForShell } from './remote/connection.ts';
import type { HostConnection } from './remote/connection.ts';
import { examineHost } from './remote/hostDoctor.ts';
import { HostList } from './remote/hosts.ts';
import type { Host } from './remote/hosts.ts';
import { archivesIn } from './remote/install/archive.ts';
import { installEngine, knownDigests } from './remote/install/installEngine.ts';
import { removeEngine, syncedCopies } from './remote/install/removeEngine.ts';
import type { RemoveOptions } from './remote/install/removeEngine.ts';
import { startRemoteEngine } from './remote/install/startRemoteEngine.ts';
import type { LinkTarget } from './remote/link/engineSession.ts';
import type { PreparedHost } from './remote/link/engineStream.ts';
import { LinkClient } from './remote/link/linkClient.ts';
import type { LinkLauncher } from './remote/link/linkClient.ts';
import { runLink } from './remote/link/linkProcess.ts';
import { hostsFile, linkPaths, rememberedFile, thisPlatform } from './remote/link/paths.ts';
import { forgetHost, rememberedHost } from './remote/link/remembered.ts';
import { connectToHost } from './remote/ssh/connect.ts';
import { parseHostUrl } from './remote/ssh/target.ts';
import { stockOf } from './remote/stock.ts';
import { asRoot } from './remote/sudo/asRoot.ts';
import { version } from './version.ts';

/** How hosts are reached and furnished: by SSH and the installer, in tests by this machine itself. */
export interface HostReach {
  /** Throws for an address that names no host. */
  checkUrl(url: string): void;
  dial(host: Host, options: Parameters<LinkTarget['dial']>[0]): Promise<HostConnection>;
  /** Names the engines that this machine would carry to a host: another name, and hosts that were known must be looked at again. */
  engine(): Promise<string>;
  /** Makes sure that the host has an engine that runs. */
  prepare(host: Host, connection: HostConnection, ctx: OperationContext): Promise<PreparedHost>;
  /** The copies of synced folders there, which `purge` removes. */
  copies(host: Host, connection: HostConnection, signal: AbortSignal): Promise<readonly string[]>;
  /** Removes everything of ours from a host. `running`: what to do where containers run. */
  purge(host: Host, connection: HostConnection, running: RemoveOptions['running'], ctx: OperationContext): Promise<void>;
}

/** Hosts by SSH, furnished with the engine of the archives that lie beside `script` (in a clone: in its dist). */
export function sshReach(script: string, env: NodeJS.ProcessEnv): HostReach {
  const archives = archivesIn(env['BERTH_ENGINE_ARCHIVES'] ?? archiveFolder(script));
  const place = (host: Host): { readonly dir?: string } => {
    const dir = folderOn(host, env);
    return dir === undefined ? {} : { dir };
  };
  return {
    checkUrl: (url) => void parseHostUrl(url),
    dial: async (host, { ask, signal }) => {
      const connection = await connectToHost(host.url, { ask, transport: host.transport, signal });
      return host.sudo === true ? asRoot(connection, ask, signal) : connection;
    },
    engine: async () => [version, ...(await knownDigests(archives))].join(' '),
    prepare: async (host, connection, ctx) => {
      const engine = await installEngine(connection, archives, ctx, place(host));
      for (const { message } of engine.warnings) ctx.report({ status: message });
      ctx.report({ status: 'starting the engine' });
      const { socketPath } = await startRemoteEngine(connection, engine, ctx.signal);
      return { socketPath, command: quoteForShell(engine.program) };
    },
    copies: (host, connection, signal) => syncedCopies(connection, folderOn(host, env), signal),
    purge: async (host, connection, running, ctx) => {
      for (const path of await removeEngine(connection, { ...place(host), purge: true, running }, ctx)) ctx.report({ status: `removed ${path}` });
    },
  };
}

/** Where Berth is on a host, if not in the home. */
function folderOn(host: Host, env: NodeJS.ProcessEnv): string | undefined {
  return (host.dir ?? env['BERTH_REMOTE_DIR']) || undefined;
}

function archiveFolder(script: string): string {
  const beside = dirname(script);
  return script.endsWith('.ts') ? join(beside, '..', 'dist') : beside;
}

export interface RemoteParts {
  readonly env: NodeJS.ProcessEnv;
  readonly reach: HostReach;
  readonly launcher: LinkLauncher;
  readonly local: RemoteHosts['local'];
  readonly interrupted: AbortSignal;
}

/** Wires what the commands about hosts need. */
export function composeRemote(parts: RemoteParts): RemoteHosts {
  const { env, reach, launcher } = parts;
  const platform = thisPlatform(env);
  const hosts = new HostList(hostsFile(platform));
  const target = (host: Host): LinkTarget => ({
    dial: (options) => reach.dial(host, options),
    prepare: (connection, ctx) => reach.prepare(host, connection, ctx),
    remembered: rememberedHost(rememberedFile(host.name, platform), `${host.sudo === true ? 'sudo ' : ''}${host.url}`, () => reach.engine()),
  });
  return {
    hosts,
    local: parts.local,
    link: (name) => new LinkClient(name, linkPaths(name, platform), launcher),
    checkUrl: (url) => reach.checkUrl(url),
    examine: (host, ask, signal) => examineHost(target(host), { ask, dir: folderOn(host, env), signal }),
    purge: async (host, { force, agreed, begin }, ctx) => {
      const connection = await reach.dial(host, ctx);
      try {
        if (agreed && !(await agreed(await stockOf(connection, target(host).remembered, ctx), await reach.copies(host, connection, ctx.signal)))) return false;
        if (!force) await reach.purge(host, connection, 'look', ctx);
        await begin();
        await reach.purge(host, connection, force ? 'stop' : 'refuse', ctx);
        return true;
      } finally {
        await connection.close();
      }
    },
    forget: (name) => forgetHost([rememberedFile(name, platform), linkPaths(name, platform).log]),
    serveLink: (name, readyFd) => serveLink(parts, name, readyFd, async () => target(await hosts.find(name))),
  };
}

/** A link that finds more than this in its log begins a new one. */
const maxLog = 1024 * 1024;

async function serveLink({ env, interrupted }: RemoteParts, name: string, readyFd: number | undefined, target: () => Promise<LinkTarget>): Promise<void> {
  const say = (line: string): void => {
    if (readyFd === undefined) return;
    try {
      writeSync(readyFd, `${line}\n`);
      closeSync(readyFd);
    } catch {
      // said already, or whoever started the link has left
    }
  };
  const paths = linkPaths(name, thisPlatform(env));
  try {
    const found = await target();
    await makeEngineFolder(paths.folder, 'BERTH_RUN_ROOT');
    const long = (statSync(paths.log, { throwIfNoEntry: false })?.size ?? 0) > maxLog;
    const out = createWriteStream(paths.log, { flags: long ? 'w' : 'a', mode: 0o600 });
    const log = jsonLog(out, env['BERTH_LOG_LEVEL'] === 'debug' ? 'debug' : 'info');
    process.on('uncaughtException', (error) => log.error('uncaught exception', { error }));
    process.on('unhandledRejection', (reason) => log.error('unhandled rejection', { error: reason }));
    process.on('SIGHUP', () => undefined); // the terminal that started it may go
    await runLink({ host: name, paths, target: found, log, idleSeconds: idleSeconds(env), ready: () => say('ready'), signal: interrupted });
    out.end(() => process.exit(0));
  } catch (error) {
    const { message, code } = asBerthError(error);
    say(`${message} [${code}]`);
    throw error;
  }
}

/** BERTH_LINK_IDLE_SECONDS, else ten minutes; 0: never. */
function idleSeconds(env: NodeJS.ProcessEnv): number {
  const seconds = Number(env['BERTH_LINK_IDLE_SECONDS'] ?? 600);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 600;
}
