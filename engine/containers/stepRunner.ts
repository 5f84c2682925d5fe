import { chmod, chown, mkdir, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { formatExtraHost } from '../api/docker/run/extraHost.ts';
import type { ExtraHost } from '../api/docker/run/extraHost.ts';
import { CleanupStack } from '../base/cleanup.ts';
import type { OperationContext } from '../base/context.ts';
import { cancelled } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { removeFolder } from '../base/removeFolder.ts';
import type { Pipe } from '../host/fifoPool.ts';
import { mountOverlay, unmount } from '../host/mounts.ts';
import type { DeviceEdits } from '../host/cdi.ts';
import { allHostDevices } from '../host/devices.ts';
import type { OciMount } from '../host/ociTypes.ts';
import { runtimeFailed, runtimeMessage, writeBundle } from '../host/ociRuntime.ts';
import { statusOf } from '../host/process.ts';
import { buildSpec } from '../host/ociSpec.ts';
import type { NamespaceChoice } from '../host/ociSpec.ts';
import type { OciSpec } from '../host/ociTypes.ts';
import { toRlimits } from '../host/rlimits.ts';
import type { Ulimit } from '../host/rlimits.ts';
import { commandFailure } from './commandFailure.ts';
import { DEFAULT_PATH } from './containerSpec.ts';
import { mergeEnv } from './createPlan.ts';
import { hostsFile } from './etcFiles.ts';
import { ensureRuntime } from './parts.ts';
import type { ContainerParts } from './parts.ts';
import { mkdirInside } from './rootfs.ts';
import { readUser } from './rootfsSetup.ts';
import { isFile, makeMountPoints } from './skeleton.ts';
import { together } from './together.ts';

export type StepMount =
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size?: number }
  /** Lies in the runtime folder while the command runs. */
  | { readonly kind: 'file'; readonly target: string; readonly content: Uint8Array; readonly mode: number; readonly uid: number; readonly gid: number };

/** Names for its /etc/hosts, the size of its /dev/shm (bytes), and limits. */
export interface StepSettings {
  readonly hosts?: readonly ExtraHost[];
  readonly shmSize?: number;
  readonly ulimits?: readonly Ulimit[];
}

/** One command to run over an image's layers, for a build. */
export interface StepRun {
  /** Topmost first. */
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly StepMount[];
  readonly network: 'default' | 'none' | 'host';
  readonly settings?: StepSettings;
  /** Without the sandbox. */
  readonly privileged: boolean;
  readonly devices?: DeviceEdits;
  readonly hostname?: string;
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** Where a command runs. Addresses are '' where there are none. */
interface StepPlace {
  readonly network: NamespaceChoice;
  readonly ip: string;
  readonly gateway: string;
}

/** Shared with the containers. */
export type StepParts = Pick<ContainerParts, 'runtime' | 'chooseRuntime' | 'networks' | 'fifos' | 'seccomp' | 'appArmor' | 'cgroupParent' | 'folders'>;

const HOSTNAME = 'build';

/** Runs the commands of builds in containers of the default security profile, by the OCI runtime alone: nobody attaches, nothing outlives the engine. */
export class StepRunner {
  readonly #parts: StepParts;
  readonly #running = new Set<string>();

  /** Removes what the steps of a killed engine left. */
  static async open({ parts }: { readonly parts: StepParts }): Promise<StepRunner> {
    const runner = new StepRunner(parts);
    await runner.#removeLeftovers();
    return runner;
  }

  private constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async #removeLeftovers(): Promise<void> {
    const { runtime, folders } = this.#parts;
    await mkdir(folders.steps, { recursive: true, mode: 0o700 });
    for (const id of await readdir(folders.steps)) {
      await runtime.delete(id);
      await unmount(join(folders.steps, id, 'rootfs'));
      await rm(join(folders.steps, id), { recursive: true, force: true });
    }
  }

  /** Ids of the steps under way. */
  get running(): ReadonlySet<string> {
    return this.#running;
  }

  /** Afterwards `upperDir` holds exactly the command's changes, and nothing of the step is mounted, running or reachable, also when it was cancelled. */
  async run(step: StepRun, ctx: Pick<OperationContext, 'signal'>): Promise<{ readonly exitCode: number }> {
    if (ctx.signal.aborted) throw cancelled({ what: 'The build step' });
    await ensureRuntime(this.#parts);
    const id = newId();
    const folder = join(this.#parts.folders.steps, id);
    await using cleanup = new CleanupStack();
    this.#running.add(id);
    cleanup.defer(() => Promise.resolve(void this.#running.delete(id)));
    cleanup.defer(() => removeFolder(folder));
    const spec = await this.#build(step, id, folder, cleanup);
    await writeBundle(folder, this.#parts.seccomp.apply(spec));
    const exitCode = await this.#execute(step, id, folder, ctx.signal, spec);
    if (ctx.signal.aborted) throw cancelled({ what: 'The build step' });
    return { exitCode };
  }

  async #build(step: StepRun, id: string, folder: string, cleanup: CleanupStack): Promise<OciSpec> {
    const rootfs = join(folder, 'rootfs');
    const skeleton = join(folder, 'skeleton');
    await mkdir(rootfs, { recursive: true, mode: 0o700 });
    const network = this.#network(step, id);
    const release = (): Promise<unknown> => network.then(() => this.#parts.networks.release(id), () => undefined);
    cleanup.defer(() => Promise.all([release(), unmount(rootfs).then(() => removeFolder(join(step.workDir, 'work')))]));
    await makeMountPoints(skeleton, await Promise.all(step.mounts.map(async (mount) => ({ destination: mount.target, file: mount.kind === 'file' || (mount.kind === 'bind' && (await isFile(mount.source))) }))));
    await mountOverlay({ lowerDirs: [...step.lowerDirs, skeleton, this.#parts.folders.skeleton], upperDir: step.upperDir, workDir: step.workDir, target: rootfs, volatile: true, noDevices: !this.#parts.runtime.cgroups });
    const profile = this.#parts.appArmor.profileFor({ privileged: step.privileged });
    const [user, place, appArmorProfile] = await together([readUser(rootfs, step.user, []), network, profile, makeWorkdir(rootfs, step.cwd)]);
    const [mounts] = await Promise.all([stepMounts(step.mounts, folder), this.#writeEtc(folder, step, place)]);
    const file = (name: string) => ({ destination: `/etc/${name}`, type: 'bind', source: join(folder, name), options: ['bind', 'rprivate'] });
    return buildSpec({
        rootfs: await realpath(rootfs), // as runc wants it: see runtimeChoice.ts
        cgroupsPath: `${this.#parts.cgroupParent}/${id}`,
        cgroups: this.#parts.runtime.cgroups,
        args: step.args,
        env: mergeEnv([`PATH=${DEFAULT_PATH}`, `HOSTNAME=${step.hostname ?? HOSTNAME}`, `HOME=${user.home}`], [...step.env, ...(step.devices?.env ?? [])]),
        cwd: step.cwd || '/',
        user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
        hostname: step.hostname ?? HOSTNAME,
        network: place.network,
        ...(step.settings?.shmSize === undefined ? {} : { shmSize: step.settings.shmSize }),
        ...(step.settings?.ulimits ? { rlimits: toRlimits(step.settings.ulimits) } : {}),
        mounts: [...['resolv.conf', 'hostname', 'hosts'].map(file), ...mounts, ...(step.devices?.mounts ?? [])],
        ...(step.devices ? { devices: step.devices.devices, hooks: step.devices.hooks } : {}),
        ...(appArmorProfile ? { appArmorProfile } : {}),
        ...(step.privileged ? { privileged: true, devices: await allHostDevices() } : {}),
    });
  }

  async #network(step: StepRun, id: string): Promise<StepPlace> {
    if (step.network !== 'default') return { network: step.network === 'host' ? 'host' : 'own', ip: '', gateway: '' };
    const { networks } = this.#parts;
    const { netnsPath, ip, gateway } = await networks.attach(id, { network: 'default', hostname: step.hostname ?? HOSTNAME, name: `step-${id.slice(0, 12)}` });
    return { network: { path: netnsPath }, ip, gateway };
  }

  async #writeEtc(folder: string, step: StepRun, { ip, gateway }: StepPlace): Promise<void> {
    const hostname = step.hostname ?? HOSTNAME;
    await Promise.all([
      writeFile(join(folder, 'hosts'), hostsFile({ hostname, domainname: '', endpoints: [{ ip, ip6: '', gateway }], extraHosts: (step.settings?.hosts ?? []).map(formatExtraHost) }), { mode: 0o644 }),
      writeFile(join(folder, 'hostname'), `${hostname}\n`, { mode: 0o644 }),
      writeFile(join(folder, 'resolv.conf'), this.#parts.networks.resolvConf(step.network === 'host' ? 'host' : 'bridge'), { mode: 0o644 }),
    ]);
  }

  async #execute(step: StepRun, id: string, folder: string, signal: AbortSignal, spec: OciSpec): Promise<number> {
    const { runtime, fifos, seccomp } = this.#parts;
    const [stdout, stderr] = await Promise.all([fifos.output(), fifos.output()]);
    const log = join(folder, 'log');
    await using cleanup = new CleanupStack();
    for (const pipe of [stdout, stderr]) cleanup.defer(() => closePipe(pipe));
    cleanup.defer(() => runtime.delete(id));
    const child = runtime.spawnRun(id, folder, log, ['ignore', stdout.childFd, stderr.childFd]);
    const exited = statusOf(child);
    stdout.handedOver();
    stderr.handedOver();
    const stop = (): void => void runtime.delete(id).catch(() => undefined).then(() => child.kill('SIGKILL'));
    signal.addEventListener('abort', stop, { once: true });
    cleanup.defer(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
    const pumped = Promise.all([pump(stdout, (chunk) => step.onOutput(chunk, 'stdout')), pump(stderr, (chunk) => step.onOutput(chunk, 'stderr'))]);
    pumped.then(() => undefined, () => undefined);
    stdout.socket.once('data', () => void seccomp.learn(runtime, id, spec));
    const status = await exited;
    await runtime.delete(id); // ends what the command left running, so that its output ends too
    await pumped;
    return await this.#verdict(status, log, step);
  }

  /** The command's own status; 126 or 127, with the reason as its output, when it could not be run. */
  async #verdict(status: number, logPath: string, step: StepRun): Promise<number> {
    const log = status === 0 ? '' : await readFile(logPath, 'utf8').catch(() => '');
    if (log.trim() === '') return status;
    const detail = runtimeMessage(log);
    const known = commandFailure(detail, step.args[0] ?? '', 'OCI runtime run failed');
    if (!known) throw runtimeFailed({ runtime: this.#parts.runtime.name, detail });
    step.onOutput(Buffer.from(`${known.error.message}\n`), 'stderr');
    return known.exitCode;
  }
}

/** The mounts of a step for the runtime, outermost first; files are written to `folder`. */
async function stepMounts(mounts: readonly StepMount[], folder: string): Promise<OciMount[]> {
  const depth = ({ target }: StepMount): number => target.split('/').length;
  const sorted = [...mounts].sort((a, b) => depth(a) - depth(b));
  return Promise.all(
    sorted.map(async (mount, index): Promise<OciMount> => {
      if (mount.kind === 'tmpfs') return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', ...(mount.size === undefined ? [] : [`size=${mount.size}`])] };
      if (mount.kind === 'bind') return { destination: mount.target, type: 'bind', source: mount.source, options: ['rbind', 'rprivate', ...(mount.readOnly ? ['ro'] : [])] };
      const source = join(folder, `file-${index}`);
      await writeFile(source, mount.content, { mode: 0o600, flag: 'wx' });
      await chown(source, mount.uid, mount.gid);
      await chmod(source, mount.mode);
      return { destination: mount.target, type: 'bind', source, options: ['bind', 'rprivate', 'ro'] };
    }),
  );
}

async function pump(pipe: Pipe, output: (chunk: Buffer) => void): Promise<void> {
  for await (const chunk of pipe.socket as Readable) output(chunk as Buffer);
}

function closePipe(pipe: Pipe): void {
  pipe.handedOver();
  pipe.socket.destroy();
}

async function makeWorkdir(rootfs: string, cwd: string): Promise<void> {
  if (cwd !== '' && cwd !== '/') await mkdirInside(rootfs, cwd);
}
