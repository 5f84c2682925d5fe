import { posix } from 'node:path';
import type { BerthError } from '../../base/errors.ts';
import type { OperationContext } from '../../base/context.ts';
import { quoteForShell } from '../connection.ts';
import type { HostConnection } from '../connection.ts';
import type { EngineArchive, EngineArchives } from './archive.ts';
import { architectureOf, assertCanInstall, assertCanRun, warningsAbout } from './hostChecks.ts';
import { askHost } from './hostFacts.ts';
import type { HostFacts } from './hostFacts.ts';
import { upload } from './upload.ts';

export interface InstallOptions {
  /** Where Berth shall be on the host: absolute, or relative to the home. Default: `.berth` in the home. The data of an engine without root goes there too. */
  readonly dir?: string;
}

/** An engine on a host, ready to be started. */
export interface RemoteEngine {
  /** Its folder, `…/engine/<digest>`. */
  readonly home: string;
  /** Absolute path of the launcher: takes what `berth` takes. */
  readonly program: string;
  readonly digest: string;
  readonly version: string;
  /** Shell text for the host that starts an engine if none runs and prints one line of JSON about it: see `startRemoteEngine`. */
  readonly startCommand: string;
  readonly facts: HostFacts;
  /** What will not work there as it should. */
  readonly warnings: readonly BerthError[];
}

/** Makes sure that this version of the engine is on a host. One round trip where it is; else carries it there. Safe to be done by many at once. */
export async function installEngine(connection: HostConnection, archives: EngineArchives, ctx: OperationContext, options: InstallOptions = {}): Promise<RemoteEngine> {
  const host = connection.description;
  const digests = await knownDigests(archives);
  const facts = await askHost(connection, { ...options, digests }, ctx.signal);
  const archive = await archives.archiveFor(architectureOf(host, facts));
  assertCanRun(host, facts);
  if (!facts.installed.includes(archive.digest)) await carry(connection, archive, facts, ctx, options);
  return remoteEngine(archive, facts, warningsAbout(host, facts));
}

/** Of all architectures: which one the host is, it says in the same answer. */
export async function knownDigests(archives: EngineArchives): Promise<string[]> {
  const found = await Promise.allSettled((['x64', 'arm64'] as const).map((architecture) => archives.archiveFor(architecture)));
  return found.flatMap((one) => (one.status === 'fulfilled' ? [one.value.digest] : []));
}

async function carry(connection: HostConnection, archive: EngineArchive, facts: HostFacts, ctx: OperationContext, options: InstallOptions): Promise<void> {
  const chosen = options.dir !== undefined;
  assertCanInstall(connection.description, facts, archive.manifest, chosen);
  const { dir } = facts;
  const common = { dir, loader: archive.manifest.loader, dataRoot: chosen && facts.uid !== 0 ? posix.join(dir, 'data') : '' };
  let helper = '';
  if (!facts.canUnpack) {
    await upload(connection, { ...common, cargo: archive.unpacker, name: 'unpacker', helper, kind: 'program' }, ctx);
    helper = posix.join(dir, 'engine', `busybox-${archive.unpacker.digest}`);
  }
  await upload(connection, { ...common, cargo: archive, name: 'engine', helper, kind: 'archive' }, ctx);
}

function remoteEngine({ digest, manifest }: EngineArchive, facts: HostFacts, warnings: readonly BerthError[]): RemoteEngine {
  const home = posix.join(facts.dir, 'engine', digest);
  const program = posix.join(home, 'berth');
  return { home, program, digest, version: manifest.version, startCommand: `exec ${quoteForShell(program)} engine start --json`, facts, warnings };
}
