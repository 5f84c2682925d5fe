import { ApiClient } from '../api/client.ts';
import { versionSchema } from '../api/docker/system.ts';
import { asBerthError } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';
import type { Ask, HostConnection } from './connection.ts';
import type { LinkTarget } from './link/engineSession.ts';
import { openEngineStream } from './link/engineStream.ts';

export interface HostStep {
  readonly name: string;
  readonly state: 'ok' | 'failed' | 'skipped';
  /** What was found, or what is wrong and what to do. */
  readonly detail: string;
}

/** The steps of connecting, and the codes of the errors that belong to each. */
const dialSteps: ReadonlyArray<readonly [string, RegExp]> = [
  ['name', /NAME_UNKNOWN|INVALID_HOST_URL/],
  ['connection', /REFUSED|UNREACHABLE|TIMED_OUT|PROXY|JUMP|NOT_SSH|CLOSED_AT_ONCE|HANDSHAKE|LINK_LOST/],
  ['host key', /HOST_KEY/],
  ['login', /AUTH|SUDO|NEEDS_ANSWER|PASSPHRASE|KEY_FILE/],
];
const laterSteps = ['shell', 'kernel', 'disk', 'engine', 'API'];
const minimalKernel = [5, 11] as const;
const minimalDiskKiB = 1024 * 1024;

/** Goes to a host step by step, as a link does, and says of each step whether it worked. */
export async function* examineHost(target: LinkTarget, ask: Ask, signal: AbortSignal): AsyncGenerator<HostStep> {
  const ctx = { signal, report: () => undefined };
  let connection: HostConnection;
  try {
    connection = await target.dial({ ...ctx, ask });
  } catch (error) {
    yield* dialFailure(asBerthError(error));
    return;
  }
  try {
    for (const [name] of dialSteps) yield { name, state: 'ok', detail: name === 'connection' ? connection.description : '' };
    const facts = yield* hostSteps(connection);
    if (facts) yield* engineSteps(target, connection, signal);
    else yield* skipped(['engine', 'API']);
  } finally {
    await connection.close();
  }
}

function* dialFailure(error: BerthError): Generator<HostStep> {
  const found = dialSteps.findIndex(([, codes]) => codes.test(error.code));
  const at = found < 0 ? 1 : found;
  for (const [index, [name]] of dialSteps.entries()) {
    if (index === at) yield { name, state: 'failed', detail: `${error.message} [${error.code}]` };
    else yield { name, state: index < at ? 'ok' : 'skipped', detail: '' };
  }
  yield* skipped(laterSteps);
}

/** One command tells all; what a shell prints by itself comes before the mark. */
const factsCommand = `echo; echo berth-facts; uname -s; uname -r; uname -m; df -Pk "$HOME" | tail -n 1`;

async function* hostSteps(connection: HostConnection): AsyncGenerator<HostStep, boolean> {
  let lines: string[] | undefined;
  try {
    lines = await factsOf(connection);
  } catch (error) {
    const { code, message } = asBerthError(error);
    yield { name: 'shell', state: 'failed', detail: `${message} [${code}]` };
    yield* skipped(['kernel', 'disk']);
    return false;
  }
  if (!lines) {
    yield { name: 'shell', state: 'failed', detail: 'the login shell did not run a simple command. Check the shell of this user on the host, and that its start-up files neither end nor wait' };
    yield* skipped(['kernel', 'disk']);
    return false;
  }
  yield { name: 'shell', state: 'ok', detail: '' };
  const [system = '', release = '', machine = '', disk = ''] = lines;
  const kernel = kernelStep(system, release, machine);
  const space = diskStep(disk);
  yield kernel;
  yield space;
  return kernel.state === 'ok';
}

async function factsOf(connection: HostConnection): Promise<string[] | undefined> {
  const process = await connection.exec(factsCommand);
  process.stdin.end();
  process.stderr.resume();
  let text = '';
  for await (const chunk of process.stdout) text += String(chunk);
  const mark = text.lastIndexOf('berth-facts\n');
  return mark < 0 ? undefined : text.slice(mark).split('\n').slice(1);
}

function kernelStep(system: string, release: string, machine: string): HostStep {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const detail = `${system} ${release} ${machine}`;
  if (system !== 'Linux') return { name: 'kernel', state: 'failed', detail: `${detail}: containers need Linux` };
  const old = major < minimalKernel[0] || (major === minimalKernel[0] && minor < minimalKernel[1]);
  return old ? { name: 'kernel', state: 'failed', detail: `${detail}: ${minimalKernel.join('.')} or later is needed` } : { name: 'kernel', state: 'ok', detail };
}

function diskStep(line: string): HostStep {
  const free = Number(line.trim().split(/\s+/)[3]);
  if (!Number.isFinite(free)) return { name: 'disk', state: 'skipped', detail: 'df does not say' };
  const detail = `${(free / 1024 / 1024).toFixed(1)} GiB free in the home folder`;
  return free < minimalDiskKiB ? { name: 'disk', state: 'failed', detail: `${detail}: at least 1 GiB is needed` } : { name: 'disk', state: 'ok', detail };
}

async function* engineSteps(target: LinkTarget, connection: HostConnection, signal: AbortSignal): AsyncGenerator<HostStep> {
  const known = await target.remembered.load();
  if (!known) {
    yield { name: 'engine', state: 'skipped', detail: 'not known to be there yet: the first connection installs it (berth host connect)' };
    yield* skipped(['API']);
    return;
  }
  try {
    const stream = await openEngineStream(connection, known, { signal, report: () => undefined });
    yield { name: 'engine', state: 'ok', detail: known.socketPath };
    const { Version, ApiVersion } = await new ApiClient(known.socketPath, '', () => stream).json('GET', '/version', versionSchema, { signal });
    yield { name: 'API', state: 'ok', detail: `Berth ${Version}, API ${ApiVersion}` };
  } catch (error) {
    const { code, message } = asBerthError(error);
    yield { name: 'engine', state: 'failed', detail: `${message} [${code}]` };
    yield* skipped(['API']);
  }
}

function* skipped(names: readonly string[]): Generator<HostStep> {
  for (const name of names) yield { name, state: 'skipped', detail: '' };
}
