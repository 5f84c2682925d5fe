import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { hostname as hostName } from 'node:os';
import { join } from 'node:path';
import { CleanupStack } from '../base/cleanup.ts';
import { asBerthError } from '../base/errors.ts';
import { bootId } from '../host/bootId.ts';
import { conmonFiles, createFailed, createWithConmon } from '../host/conmon.ts';
import { mountTmpfs } from '../host/mounts.ts';
import { buildSpec } from '../host/ociSpec.ts';
import { writeBundle } from '../host/ociRuntime.ts';
import type { OciSpec } from '../host/ociTypes.ts';
import { identify } from '../host/processIdentity.ts';
import { announce } from './attributes.ts';
import { blockIo } from './blockIo.ts';
import type { Container } from './container.ts';
import { devicesOf } from './devices.ts';
import { specInput } from './containerSpec.ts';
import type { StartFacts } from './containerSpec.ts';
import { commandFailure } from './commandFailure.ts';
import { startFailed } from './errors.ts';
import { refreshLinks } from './links.ts';
import { logPolicy } from './logPolicy.ts';
import { attachNetwork } from './joining.ts';
import type { Joined } from './joining.ts';
import { findInit } from './init.ts';
import { mountIdmappedBinds, mountMappedVolumes } from './idmapFallback.ts';
import { mountMappedRoot } from './mappedRoot.ts';
import { rootOf } from './ownIds.ts';
import { openUserNamespace } from './ownUserNamespace.ts';
import type { OwnUserNamespace } from './ownUserNamespace.ts';
import { writeEtcFiles } from './etcWriter.ts';
import { ensureRuntime } from './parts.ts';
import type { ContainerParts } from './parts.ts';
import { publishPorts } from './publish.ts';
import { withoutProcess } from './record.ts';
import { mountRootfs, releaseRuntime } from './release.ts';
import type { Remover } from './removal.ts';
import { prepareRootfs } from './rootfsSetup.ts';
import { profileOf } from './securityModules.ts';
import { labelFiles } from './seLinuxLabels.ts';
import { mountSubpaths } from './subpaths.ts';
import { startsSystemd } from './systemd.ts';
import { adoptVolumes } from './volumeOwners.ts';
import { together } from './together.ts';
import type { ResolvedUser } from './user.ts';

const DEFAULT_SHM = 64 * 1024 * 1024;

/** Starts containers: what does not depend on one another is done at the same time. The caller holds the container's lock. */
export class Starter {
  readonly #parts: ContainerParts;

  readonly #remover: Remover;

  constructor(parts: ContainerParts, remover: Remover) {
    this.#parts = parts;
    this.#remover = remover;
  }

  /** Gives the container a process; `again`: by its restart policy, which counts. On failure nothing is left, and the state says why. */
  async start(container: Container, again: boolean): Promise<void> {
    const { store, events, networks } = this.#parts;
    await using held = new CleanupStack();
    try {
      await ensureRuntime(this.#parts);
      await adoptVolumes(this.#parts, container, held);
      await using userns = await openUserNamespace(this.#parts, container);
      const { joined, spec, systemd } = await this.#build(container, userns);
      const appArmor = spec.process.apparmorProfile;
      const pid = await this.#create(container);
      void this.#parts.seccomp.learn(this.#parts.runtime, container.id, spec);
      if (joined.endpoint) await publishPorts(networks, container, joined.endpoint);
      for (const attachment of container.attachments) await attachment.connect(container.paths.bundle);
      container.attachments.clear();
      const monitor = await readFile(join(container.paths.bundle, conmonFiles.monitorPid), 'utf8');
      const process = identify(pid);
      const watcher = identify(Number(monitor));
      // Written before it runs: an engine killed here finds it again and asks the runtime how far it got.
      await store.updateState(container, (now) => ({ ...now, status: 'running', ...(process ? { process } : {}), ...(watcher ? { monitor: watcher } : {}), boot: bootId(), startedAt: new Date().toISOString(), exitCode: 0, error: '', oomKilled: false, stoppedByUser: false, systemd, appArmor, ...(again ? {} : { restartCount: 0 }) }), { must: true });
      await this.#parts.runtime.start(container.id, pid);
      announce(events, container, 'start');
      void refreshLinks(this.#parts, container).catch((error: unknown) => this.#parts.log.warn('a linked container could not be told of another address', { container: container.id, error }));
    } catch (error) {
      await this.#undo(container);
      const failure = await this.#recordFailure(container, error);
      // Its client waits for that, as with Docker.
      if (container.record.hostConfig.AutoRemove) await this.#remover.removeLocked(container, { volumes: true });
      throw failure;
    }
  }

  /** Root filesystem, network and specification. */
  async #build(container: Container, userns: OwnUserNamespace | undefined): Promise<{ readonly joined: Joined; readonly spec: OciSpec; readonly systemd: boolean }> {
    const { record, paths } = container;
    const [joined, { user, systemd, root }, { mounts: deviceMounts, ...devices }, io, appArmorProfile] = await together([attachNetwork(this.#parts, container, userns?.networkOf), this.#rootfs(container, userns), devicesOf(container), blockIo(record.id, record.hostConfig), profileOf(this.#parts, container), mkdir(paths.bundle, { recursive: true, mode: 0o700 })]);
    const hostname = record.hostConfig.UTSMode === 'host' ? hostName() : joined.hostname;
    const [etc, mounts, init] = await together([
      writeEtcFiles(this.#parts.networks, container, joined, hostname),
      (userns?.mapPath ? mountMappedVolumes(container, userns.mapPath) : mountIdmappedBinds(this.#parts.runtime, container)).then((made) => mountSubpaths(container, made)),
      record.hostConfig.Init ? findInit() : Promise.resolve(undefined),
    ]);
    await labelFiles(container, etc);
    const shm = joined.namespaces.shm ?? (await shareableShm(container));
    const { cgroups, cgroupParent } = this.#parts;
    const facts: StartFacts = { rootfs: root, cgroupsPath: `${cgroupParent}/${container.id}`, cgroups: this.#parts.runtime.cgroups, limits: cgroups, systemd, user, hostname, network: joined.network, joined: joined.namespaces, ...(init ? { init } : {}), ...(shm === undefined ? {} : { shm }), ...devices, ...(io ? { blockIo: io } : {}), etc, mounts: [...mounts, ...deviceMounts], ...(userns ? { userNamespace: userns.path } : {}), ...(appArmorProfile ? { appArmorProfile } : {}) };
    const spec = buildSpec(specInput(record, facts));
    await writeBundle(paths.bundle, this.#parts.seccomp.apply(spec));
    return { joined, spec, systemd };
  }

  /** Who runs in it, whether that is systemd, and where the OCI runtime finds it. */
  async #rootfs(container: Container, userns: OwnUserNamespace | undefined): Promise<{ readonly user: ResolvedUser; readonly systemd: boolean; readonly root: string }> {
    await mountRootfs(this.#parts, container);
    const prepared = { user: await prepareRootfs(container), systemd: await startsSystemd(container) };
    return { ...prepared, root: userns?.mapPath ? await mountMappedRoot(this.#parts, container, userns.mapPath) : container.paths.rootfs };
  }

  async #create(container: Container): Promise<number> {
    const { record, paths } = container;
    await rm(join(this.#parts.folders.exits, container.id), { force: true }); // of an earlier run, see release.ts
    const { pid } = await createWithConmon(this.#parts.runtime, {
      id: container.id,
      bundle: paths.bundle,
      logPath: logPolicy(record.hostConfig).kept === 'none' ? undefined : paths.log,
      exitDir: this.#parts.folders.exits,
      terminal: container.tty,
      stdin: record.config.OpenStdin ?? false,
      keepStdin: container.tty || !(record.config.StdinOnce ?? false),
      ...(this.#parts.life ? { life: this.#parts.life.fd } : {}),
    });
    return pid;
  }

  async #undo(container: Container): Promise<void> {
    for (const attachment of container.attachments) attachment.abandon();
    container.attachments.clear();
    await releaseRuntime(this.#parts, container);
  }

  async #recordFailure(container: Container, error: unknown): Promise<Error> {
    const known = createFailed.is(error) ? commandFailure(String(error.params['detail']), container.record.args[0] ?? '', 'failed to create task for container: failed to create shim task: OCI runtime create failed') : undefined;
    const failure = known?.error ?? (createFailed.is(error) ? startFailed({ id: container.id, detail: error.message }, { cause: error }) : asBerthError(error));
    await this.#parts.store.updateState(container, (now) => ({ ...withoutProcess(now), status: now.startedAt.startsWith('0001') ? 'created' : 'exited', exitCode: known?.exitCode ?? 128, error: failure.message }));
    return failure;
  }
}

/** /dev/shm as a mount of the host's, so that other containers can be given it too. */
async function shareableShm({ record, paths }: Container): Promise<string | undefined> {
  if (record.hostConfig.IpcMode !== 'shareable') return undefined;
  await mkdir(paths.shm, { recursive: true });
  await mountTmpfs(paths.shm, { mode: '1777', size: record.hostConfig.ShmSize || DEFAULT_SHM, ...(record.seLinux ? { label: record.seLinux.mount } : {}) });
  const root = rootOf(record);
  await chown(paths.shm, root.uid, root.gid);
  return paths.shm;
}
