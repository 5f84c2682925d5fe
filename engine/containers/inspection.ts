import { access, readFile } from 'node:fs/promises';
import type { Fault, Inspection, Inspector } from '../base/inspector.ts';
import { listMounts } from '../host/mounts.ts';
import { MissingRuntime } from '../host/runtimeChoice.ts';
import { isAlive } from '../host/processIdentity.ts';
import type { Container } from './container.ts';
import { strayFaults } from './strays.ts';
import type { ContainerParts } from './parts.ts';
import { releaseRuntime } from './release.ts';
import { runtimeStatus } from './runtimeStatus.ts';

export interface ContainerInspectorOptions {
  readonly parts: ContainerParts;
  /** Ids of the build steps that are running. */
  readonly steps: () => ReadonlySet<string>;
  /** Brings one container in order, as the start of an engine does. Takes its lock. */
  readonly reconcile: (container: Container) => Promise<void>;
}

/** Containers: what each claims, against processes, control groups, mounts and folders; and what belongs to none of them. */
export class ContainerInspector implements Inspector {
  readonly #options: ContainerInspectorOptions;

  constructor(options: ContainerInspectorOptions) {
    this.#options = options;
  }

  async inspect(): Promise<Inspection> {
    const { parts, steps } = this.#options;
    const containers = parts.store.list();
    const mounted = new Set((await listMounts()).map(({ target }) => target));
    const own = await Promise.all(containers.map((container) => parts.locks.run(container.id, () => this.#look(container, mounted))));
    return { faults: [...own.flat(), ...(await strayFaults(parts, steps()))], looked: { containers: containers.length } };
  }

  async #look(container: Container, mounted: ReadonlySet<string>): Promise<Fault[]> {
    if (!this.#options.parts.store.get(container.id)) return []; // it was removed while we waited
    const faults = [...(await this.#files(container)), ...(container.running ? await this.#running(container, mounted) : await this.#resting(container, mounted))];
    return faults;
  }

  async #running(container: Container, mounted: ReadonlySet<string>): Promise<Fault[]> {
    const { parts } = this.#options;
    const { process, monitor } = container.state;
    if (!process || !isAlive(process)) return [this.#fault(container, 'CONTAINER_PROCESS_GONE', `It is said to be ${container.state.status}, but its process (pid ${process?.pid ?? 0}) is gone.`, true)];
    const faults: Fault[] = [];
    if (!monitor || !isAlive(monitor)) faults.push(this.#fault(container, 'CONTAINER_MONITOR_GONE', `Its monitor (conmon, pid ${monitor?.pid ?? 0}) is gone: its output is lost, and its end will not be noticed.`, false));
    if (!mounted.has(container.paths.rootfs)) faults.push(this.#fault(container, 'CONTAINER_NOT_MOUNTED', `Its root filesystem is not mounted at ${container.paths.rootfs}.`, false));
    if (parts.runtime instanceof MissingRuntime) return faults;
    if (parts.runtime.cgroups && !(await readFile(`/proc/${process.pid}/cgroup`, 'utf8').catch(() => container.id)).includes(container.id)) faults.push(this.#fault(container, 'CONTAINER_OUTSIDE_CGROUP', `Its process (pid ${process.pid}) is in no control group of its own: its limits have no effect.`, false));
    const known = await runtimeStatus(parts, container.id);
    const agrees = known === container.state.status || (known === 'paused' && container.state.frozen === true);
    if (!agrees && isAlive(process)) faults.push(this.#fault(container, 'CONTAINER_STATE_DIFFERS', `It is said to be ${container.state.status}; ${parts.runtime.name} says ${known ?? 'that it does not know it'}.`, known === 'running' || known === 'paused'));
    return faults;
  }

  async #resting(container: Container, mounted: ReadonlySet<string>): Promise<Fault[]> {
    const { parts } = this.#options;
    const { paths, state } = container;
    const faults: Fault[] = [];
    if (state.status === 'removing') faults.push(this.#fault(container, 'CONTAINER_REMOVAL_UNFINISHED', 'Its removal was begun and not finished.', true));
    const release = (): Promise<void> => parts.locks.run(container.id, async () => (container.running ? undefined : releaseRuntime(parts, container)));
    for (const target of mounted) if (target.startsWith(`${paths.folder}/`)) faults.push({ ...this.#fault(container, 'ORPHAN_MOUNT', `It is ${state.status}, and something of it is mounted at ${target}.`, true), repair: release });
    if (await exists(paths.bundle)) faults.push({ ...this.#fault(container, 'ORPHAN_FOLDER', `It is ${state.status}, and the files of a run are left in ${paths.bundle}.`, true), repair: release });
    return faults;
  }

  async #files(container: Container): Promise<Fault[]> {
    const { record, paths } = container;
    const layers = record.snapshots.filter((id) => this.#options.parts.snapshots.get(id) === undefined);
    const folders = await missingOf([paths.upper, paths.work, paths.rootfs]);
    const volumes = record.mounts.filter(({ type }) => type === 'volume');
    const lost = await missingOf(volumes.map(({ source }) => source));
    return [
      ...(layers.length === 0 ? [] : [this.#fault(container, 'CONTAINER_LAYER_MISSING', `${layers.length} of the ${record.snapshots.length} layers that it stands on are missing: it cannot be started.`, false, `Its own files are in ${paths.upper}; copy what is needed, remove it (berth rm), and create it again from ${record.imageRef}.`)]),
      ...folders.map((folder) => this.#fault(container, 'CONTAINER_FILES_MISSING', `${folder} is missing.`, false, 'Restore the folder, or remove the container (berth rm).')),
      ...lost.map((folder) => this.#fault(container, 'CONTAINER_VOLUME_MISSING', `${folder}, which it mounts, is missing.`, false, `Restore the volume (berth volume import ${volumes.find(({ source }) => source === folder)?.name ?? ''}), or remove the container (berth rm).`)),
    ];
  }

  #fault(container: Container, code: string, seen: string, repairable: boolean, advice = repairable ? 'berth system check --repair brings it in order.' : `Restart it: berth restart ${container.record.name}`): Fault {
    return { code, kind: 'container', object: container.record.name, seen, advice, ...(repairable ? { repair: () => this.#options.reconcile(container) } : {}) };
  }
}

async function missingOf(paths: readonly string[]): Promise<string[]> {
  return (await Promise.all(paths.map(async (path) => ((await exists(path)) ? [] : [path])))).flat();
}

function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
