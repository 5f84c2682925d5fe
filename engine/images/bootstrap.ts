import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { OperationContext } from '../base/context.ts';
import { diskFull, hostToolMissing } from '../base/errors.ts';
import type { ImageConfig } from '../content/oci.ts';
import { run, start, startFailure } from '../host/process.ts';
import { parseReference } from '../registry/reference.ts';
import { bootstrapFailed, bootstrapUnknown } from './errors.ts';
import type { ImageLayer } from './imageRecord.ts';
import type { LayerHolds } from './layerHolds.ts';
import type { Unpacker } from './unpacker.ts';

const SUITES = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid'] as const;
const TAGS: Readonly<Record<string, string>> = { '11': 'bullseye', '12': 'bookworm', '13': 'trixie', oldstable: 'bookworm', stable: 'trixie', testing: 'forky', unstable: 'sid' };
const MIRROR = 'http://deb.debian.org/debian';
const SECURITY = 'http://deb.debian.org/debian-security';
/** In namespaces of its own: what it mounts is nobody else's, and it ends at once, with all that it started, when we do. */
const CONTAINED = ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whether `ref` names a base image that `bootstrapLayer` can make. */
export function isBootstrappable(ref: string): boolean {
  try {
    suiteOf(ref);
    return true;
  } catch {
    return false;
  }
}

/** `debian:bookworm`, `debian:12-slim`, … as a Debian suite. Throws BOOTSTRAP_UNKNOWN. */
export function suiteOf(ref: string): string {
  const known = SUITES.map((suite) => `debian:${suite}`).join(', ');
  const { domain, path, tag, digest } = parseReference(ref);
  const name = (tag ?? 'stable').replace(/-slim$/, '');
  const suite = SUITES.find((one) => one === name) ?? TAGS[name];
  if (domain !== 'docker.io' || path !== 'library/debian' || digest !== undefined || suite === undefined) throw bootstrapUnknown({ ref, known });
  return suite;
}

/**
 * Makes a base image's only layer from Debian's packages: mmdebstrap's minimal variant and CA certificates, signatures
 * checked against Debian's keyring, sources.list pointing at Debian's own mirror.
 */
export async function bootstrapLayer(ref: string, unpacker: Unpacker, holds: LayerHolds, tempRoot: string, ctx: OperationContext): Promise<{ layer: ImageLayer; config: Omit<ImageConfig, 'rootfs'> }> {
  const suite = suiteOf(ref);
  await mkdir(tempRoot, { recursive: true, mode: 0o700 });
  // mmdebstrap works in a folder of its own below TMPDIR; one of ours is cleared at the next start, should we be killed.
  const temp = await mkdtemp(join(tempRoot, 'bootstrap-'));
  try {
    const layer = await runBootstrap(ref, suite, { unpacker, holds, temp }, ctx);
    return { layer, config: baseConfig(suite) };
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function runBootstrap(ref: string, suite: string, { unpacker, holds, temp }: { unpacker: Unpacker; holds: LayerHolds; temp: string }, ctx: OperationContext): Promise<ImageLayer> {
  await run('mmdebstrap', ['--version'], { signal: ctx.signal }).catch((error: unknown) => {
    throw missing(error);
  });
  ctx.report({ id: ref, status: "Fetching Debian's packages" });
  const env = { ...process.env, TMPDIR: temp, SOURCE_DATE_EPOCH: '0', LC_ALL: 'C' };
  const child = start('setpriv', [...CONTAINED, 'mmdebstrap', ...bootstrapArguments(suite)], { stdio: ['ignore', 'pipe', 'pipe'], env, signal: ctx.signal, killSignal: 'SIGKILL' });
  const said: string[] = [];
  createInterface({ input: child.stderr as Readable }).on('line', (line) => {
    said.push(line);
    if (line.startsWith('I: ')) ctx.report({ id: ref, status: line.slice(3) });
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startFailure('setpriv', error)));
    child.once('close', (status) => resolve(status ?? 128));
  });
  const unpacked = unpacker.unpack(child.stdout as Readable, holds, ctx.signal);
  unpacked.catch(() => child.kill('SIGKILL'));
  // Both are waited for, whatever happens: nothing of them may go on when this returns.
  const [status, layer] = await Promise.allSettled([ended, unpacked]);
  ctx.signal.throwIfAborted();
  if (status.status === 'rejected') throw status.reason as Error;
  if (layer.status === 'rejected') {
    if (status.value === 0 || diskFull.is(layer.reason)) throw layer.reason as Error;
    throw failure(ref, temp, said, layer.reason);
  }
  if (status.value !== 0) throw failure(ref, temp, said);
  return layer.value;
}

function failure(ref: string, temp: string, said: readonly string[], cause?: unknown): Error {
  const text = said.filter((line) => /^(E:|Err|W:)|No space left/.test(line)).slice(-4).join('; ') || said.slice(-3).join('; ');
  if (/No space left on device/.test(said.join('\n'))) return diskFull({ path: temp }, { cause });
  return bootstrapFailed({ ref, detail: text }, { cause });
}

function missing(error: unknown): unknown {
  return hostToolMissing.is(error) ? hostToolMissing({ tool: 'mmdebstrap', hint: 'It makes base images from Debian packages. Install it with berth doctor --fix, or pull the image from a registry.' }, { cause: error }) : error;
}

function bootstrapArguments(suite: string): string[] {
  const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
  const sources = [`deb ${signed}${MIRROR} ${suite} main`, ...(suite === 'sid' || suite === 'forky' ? [] : [`deb ${signed}${MIRROR} ${suite}-updates main`, `deb ${signed}${SECURITY} ${suite}-security main`])];
  return ['--variant=minbase', '--include=ca-certificates', '--format=tar', '--mode=root', '--aptopt=Acquire::Languages "none"', '--dpkgopt=path-exclude=/usr/share/man/*', '--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-include=/usr/share/doc/*/copyright', suite, '-', ...sources];
}

function baseConfig(suite: string): Omit<ImageConfig, 'rootfs'> {
  const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
  const created = new Date().toISOString();
  return {
    created,
    architecture: goArch[arch()] ?? arch(),
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] },
    history: [{ created, created_by: `berth image bootstrap debian:${suite}`, comment: "mmdebstrap minbase from Debian's packages" }],
  };
}

