import { ApiClient } from '../api/client.ts';
import { versionSchema } from '../api/docker/system.ts';
import { asBerthError } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';
import type { Ask, HostConnection } from './connection.ts';
import { assertFolder, assertKernel, assertNamespaces, assertRoom, clockWarnings, diskWarnings, mebibytes, userWarnings } from './install/hostChecks.ts';
import { askHost } from './install/hostFacts.ts';
import type { HostFacts } from './install/hostFacts.ts';
import type { LinkTarget } from './link/engineSession.ts';
import { openEngineStream } from './link/engineStream.ts';

export interface HostStep {
  readonly name: string;
  /** `warning`: Berth runs there, but something will not work as it should. */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
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
const laterSteps = ['shell', 'kernel', 'user', 'disk', 'clock', 'engine', 'API'];

/** Goes to a host step by step, as a link does, and says of each step whether it worked. `dir`: where Berth shall be there, if not in the home. */
export async function* examineHost(target: LinkTarget, { ask, dir, signal }: { readonly ask: Ask; readonly dir: string | undefined; readonly signal: AbortSignal }): AsyncGenerator<HostStep> {
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
    const usable = yield* hostSteps(connection, dir, signal);
    if (usable) yield* engineSteps(target, connection, signal);
    else yield* skipped(['engine', 'API']);
  } finally {
    await connection.close();
  }
}

function* dialFailure(error: BerthError): Generator<HostStep> {
  const found = dialSteps.findIndex(([, codes]) => codes.test(error.code));
  const at = found < 0 ? 1 : found;
  for (const [index, [name]] of dialSteps.entries()) {
    if (index === at) yield { name, state: 'failed', detail: text(error) };
    else yield { name, state: index < at ? 'ok' : 'skipped', detail: '' };
  }
  yield* skipped(laterSteps);
}

async function* hostSteps(connection: HostConnection, dir: string | undefined, signal: AbortSignal): AsyncGenerator<HostStep, boolean> {
  let facts: HostFacts;
  try {
    facts = await askHost(connection, dir === undefined ? {} : { dir }, signal);
  } catch (error) {
    yield { name: 'shell', state: 'failed', detail: text(error) };
    yield* skipped(['kernel', 'user', 'disk', 'clock']);
    return false;
  }
  const host = connection.description;
  const steps = [
    { name: 'shell', state: 'ok' as const, detail: facts.canUnpack ? '' : 'without tar, gzip or sha256sum: Berth brings its own' },
    step('kernel', `${facts.system} ${facts.kernel} ${facts.machine}`, { assert: () => assertKernel(host, facts) }),
    step('user', facts.uid === 0 ? 'root' : `${facts.user}: an engine without root`, { assert: () => assertNamespaces(host, facts), warnings: userWarnings(host, facts) }),
    step('disk', `${facts.free === undefined ? 'an unknown amount' : mebibytes(facts.free)} free for ${facts.dir}`, { assert: () => assertDisk(host, facts), warnings: diskWarnings(host, facts) }),
    step('clock', 'as here', { warnings: clockWarnings(host, facts) }),
  ];
  yield* steps;
  return steps.every(({ state }) => state !== 'failed');
}

/** An engine that is there already has its room. */
function assertDisk(host: string, facts: HostFacts): void {
  if (facts.current !== undefined) return;
  assertFolder(host, facts);
  assertRoom(host, facts);
}

/** One step's outcome: `assert` throws what keeps Berth from running there. */
function step(name: string, detail: string, { assert, warnings = [] }: { readonly assert?: () => void; readonly warnings?: readonly BerthError[] }): HostStep {
  try {
    assert?.();
  } catch (error) {
    return { name, state: 'failed', detail: text(error) };
  }
  return warnings.length === 0 ? { name, state: 'ok', detail } : { name, state: 'warning', detail: warnings.map(text).join(' ') };
}

function text(error: unknown): string {
  const { message, code } = asBerthError(error);
  return `${message} [${code}]`;
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
    yield { name: 'engine', state: 'failed', detail: text(error) };
    yield* skipped(['API']);
  }
}

function* skipped(names: readonly string[]): Generator<HostStep> {
  for (const name of names) yield { name, state: 'skipped', detail: '' };
}
