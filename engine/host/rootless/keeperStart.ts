import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CleanupStack } from '../../base/cleanup.ts';
import { hasIpv6 } from '../ipForwarding.ts';
import { run, start, startFailure } from '../process.ts';
import { identify } from '../processIdentity.ts';
import type { ProcessIdentity } from '../processIdentity.ts';
import { inScope, useOwnGroup } from './delegation.ts';
import { rootlessFailed } from './errors.ts';
import { rootlesskitArguments } from './rootlesskit.ts';
import { singleIdTools } from './singleId.ts';

export const keeperFiles = { life: 'life', ready: 'ready', log: 'log', kit: 'kit' } as const;

const PATIENCE_MS = 30_000;

/**
 * slirp4netns advertises its IPv6 network, by which the kernel would have an address and a way out after a second or two, for as long as advertisements
 * come. Said here they are there at once and for good: also for the container that is started at this moment.
 */
const WAY_OUT_6 = 'echo 0 > /proc/sys/net/ipv6/conf/tap0/accept_ra; ip -6 address add fd00::64/64 dev tap0 nodad && ip -6 route add default via fe80::2 dev tap0';

/**
 * What the keeper does in its namespaces: takes the host's files out of the way that nobody but the host's root could change (/run is a copy
 * there, made of links), says that it is ready, and waits on its standard input until the last one who needs it has left.
 */
function keepScript(six: boolean): string {
  return ['rm -f /run/netns /run/xtables.lock', ...(six ? [WAY_OUT_6] : []), 'echo $$ > "$1" && exec cat'].join('; ');
}

export interface StartedKeeper {
  readonly process: ProcessIdentity;
  /** The end for writing: the keeper stays while it is open. */
  readonly life: FileHandle;
}

/** Starts a keeper in a new folder, with control groups of its own where there are any for this user. Throws ROOTLESS_FAILED in rootlesskit's words; then nothing is left. */
export async function startKeeper(folder: string, instance: string): Promise<StartedKeeper> {
  const six = await hasIpv6();
  try {
    return await startKit(folder, instance, six);
  } catch (error) {
    if (!six || !rootlessFailed.is(error) || !error.message.includes('-ipv6')) throw error;
    return startKit(folder, instance, false); // a rootlesskit that is too old for it
  }
}

async function startKit(folder: string, instance: string, six: boolean): Promise<StartedKeeper> {
  const kit = ['rootlesskit', ...rootlesskitArguments(join(folder, keeperFiles.kit), { six }), 'sh', '-c', keepScript(six), 'sh', join(folder, keeperFiles.ready)];
  const scoped = inScope(instance, folder, kit);
  if (scoped === kit) return startWith(folder, kit, () => useOwnGroup(instance, folder));
  try {
    return await startWith(folder, scoped);
  } catch (error) {
    if (!rootlessFailed.is(error)) throw error;
    return startWith(folder, kit); // a systemd that does not do what it is asked for (no bus, a policy) must not keep the engine away
  }
}

async function startWith(folder: string, command: readonly string[], prepare: () => Promise<void> = () => Promise.resolve()): Promise<StartedKeeper> {
  await using undo = new CleanupStack();
  await mkdir(folder, { mode: 0o700 });
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const ready = join(folder, keeperFiles.ready);
  const { input, life } = await makeLife(join(folder, keeperFiles.life));
  undo.defer(() => life.close());
  await prepare();
  const child = await spawnKit(folder, input, command);
  const process = await untilReady(child, folder, ready);
  child.unref();
  undo.keep();
  return { process, life };
}

/** Both ends of a new FIFO. Opened for both directions first, which waits for nobody; then neither end waits for the other. */
async function makeLife(path: string): Promise<{ input: FileHandle; life: FileHandle }> {
  await run('mkfifo', ['-m', '600', path]);
  const both = await open(path, constants.O_RDWR);
  try {
    return { input: await open(path, constants.O_RDONLY), life: await open(path, constants.O_WRONLY) };
  } finally {
    await both.close();
  }
}

async function spawnKit(folder: string, input: FileHandle, [program = '', ...args]: readonly string[]): Promise<ChildProcess> {
  const log = await open(join(folder, keeperFiles.log), 'a', 0o600);
  const tools = await singleIdTools(folder);
  const env = { ...process.env, PATH: [...(tools === undefined ? [] : [tools]), process.env['PATH'] ?? ''].join(delimiter) };
  try {
    return start(program, args, { cwd: '/', detached: true, stdio: [input.fd, log.fd, log.fd], env });
  } finally {
    await input.close();
    await log.close();
  }
}

async function untilReady(child: ChildProcess, folder: string, ready: string): Promise<ProcessIdentity> {
  let ended: Error | undefined;
  child.once('error', (error) => (ended = startFailure(child.spawnfile, error)));
  child.once('exit', (status) => (ended ??= new Error(`rootlesskit ended with status ${status ?? 'unknown'}`)));
  for (const end = Date.now() + PATIENCE_MS; ended === undefined && Date.now() < end; await delay(5)) {
    const pid = Number(await readFile(ready, 'utf8').catch(() => '0'));
    const process = pid > 0 ? identify(pid) : undefined;
    if (process) return process;
  }
  child.kill('SIGKILL');
  const said = (await readFile(join(folder, keeperFiles.log), 'utf8').catch(() => '')).trim().split('\n').slice(-3).join('; ');
  throw rootlessFailed({ detail: said || ended?.message || 'rootlesskit was not ready in time' }, { cause: ended });
}
