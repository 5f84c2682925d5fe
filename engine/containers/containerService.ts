import type { Duplex, Writable } from 'node:stream';
import type { CreateContainer, EndpointSettings, Limits } from '../api/docker/container.ts';
import { removeCgroupParent } from '../host/cgroupTrees.ts';
import { ContainerArchive } from './archive.ts';
import { announce } from './attributes.ts';
import { attachClient, attachable, resizeContainer } from './attaching.ts';
import type { AttachWishes } from './attaching.ts';
import { pauseContainer, renameContainer, unpauseContainer, updateContainer } from './changing.ts';
import type { Container } from './container.ts';
import { createContainer } from './creation.ts';
import { Ender } from './ending.ts';
import { isPaused, removalInProgress } from './errors.ts';
import { ExecService } from './execService.ts';
import { HealthMonitor } from './health/healthMonitor.ts';
import { ExitWatcher } from './exitWatcher.ts';
import { ContainerFiles } from './files.ts';
import { ContainerInspector } from './inspection.ts';
import { listContainers } from './listing.ts';
import type { Filters, ListOptions } from './listing.ts';
import { writeLogs } from './logs.ts';
import type { LogOptions } from './logs.ts';
import { LogRotator } from './logRotator.ts';
import { connectNetwork, disconnectNetwork } from './networking.ts';
import { openParts } from './openParts.ts';
import type { PartsOptions } from './openParts.ts';
import type { ContainerParts } from './parts.ts';
import { pruneContainers } from './pruning.ts';
import { layerFolders } from './release.ts';
import { reconcileContainers, reconcileOne } from './reconcile.ts';
import { Remover } from './removal.ts';
import { removeContainer } from './removeContainer.ts';
import { Restarter, shouldRestart } from './restartPolicy.ts';
import { Starter } from './starter.ts';
import { withSizes } from './sizes.ts';
import { containerStats } from './stats.ts';
import { Stopper } from './stopping.ts';
import { containerTop } from './top.ts';
import { ContainerUsage } from './usage.ts';
import { inspectContainer, networkView } from './view.ts';

export interface ContainerServiceOptions extends PartsOptions {
  /** An image's tags, for `ps --filter ancestor`; default: none. */
  readonly imageNames?: (imageId: string) => readonly string[];
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** Containers: their life, their stdio, what they say of themselves. `open` once before anything else. */
export class ContainerService {
  readonly parts: ContainerParts;
  readonly execs: ExecService;
  readonly archive: ContainerArchive;
  readonly files: ContainerFiles;
  readonly usage: ContainerUsage;
  readonly #imageNames: (imageId: string) => readonly string[];
  readonly #starter: Starter;
  readonly #ender: Ender;
  readonly #remover: Remover;
  readonly #restarter: Restarter;
  readonly #stopper: Stopper;
  readonly #watcher: ExitWatcher;
  readonly #health: HealthMonitor;
  readonly #logs: LogRotator;
  readonly #ends = new Set<Promise<void>>();

  /** Chooses the OCI runtime, takes over what a former engine left, and begins to watch. Networks, images and volumes must be ready. */
  static async open(options: ContainerServiceOptions): Promise<ContainerService> {
    const service = new ContainerService(options, await openParts(options));
    await service.#reconcile();
    return service;
  }

  private constructor(options: ContainerServiceOptions, parts: ContainerParts) {
    this.parts = parts;
    this.#imageNames = options.imageNames ?? (() => []);
    this.execs = new ExecService(parts);
    this.archive = new ContainerArchive(parts);
    this.files = new ContainerFiles(parts);
    this.usage = new ContainerUsage(parts.store);
    this.#health = new HealthMonitor(parts, this.execs);
    this.#logs = new LogRotator(parts.log);
    this.#remover = new Remover(parts);
    this.#starter = new Starter(parts, this.#remover);
    this.#restarter = new Restarter(parts, async (container) => void (await this.#startLocked(container, true)));
    this.#ender = new Ender(parts, this.#remover, this.#restarter);
    this.#stopper = new Stopper(parts, this.#ender);
    this.#watcher = new ExitWatcher(parts.folders.exits, (id) => this.#onExit(id), parts.log);
  }

  /** Creates a container. `platform`: `os/architecture` that the image must have. Throws NO_SUCH_IMAGE, IMAGE_PLATFORM_MISMATCH, NAME_IN_USE, INVALID_CONTAINER_CONFIG, BIND_SOURCE_MISSING. */
  async create(request: CreateContainer, name?: string, platform?: string): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
    const { container, warnings } = await createContainer(this.parts, request, name, platform);
    return { id: container.id, warnings };
  }

  /** The container meant by an id, the beginning of one, or a name. Throws NO_SUCH_CONTAINER, AMBIGUOUS_CONTAINER. */
  find(ref: string): Container {
    return this.parts.store.find(ref);
  }

  /** Starts a container; false if it runs already. Throws COMMAND_NOT_FOUND, PORT_IN_USE, START_FAILED, … */
  async start(ref: string): Promise<boolean> {
    const container = this.find(ref);
    if (container.state.status === 'paused') throw isPaused({ id: ref });
    return this.#startLocked(container);
  }

  /** Stops a container; false if it does not run. `timeout` in seconds, negative: wait for ever. */
  async stop(ref: string, options: { readonly timeout?: number; readonly signal?: string } = {}): Promise<boolean> {
    const container = this.find(ref);
    const stops = await this.#stopper.stop(container, options);
    // The end is told before all that belonged to it is released: who stops a container may use its ports again at once.
    await this.parts.locks.run(container.id, () => Promise.resolve());
    return stops;
  }

  async restart(ref: string, options: { readonly timeout?: number; readonly signal?: string } = {}): Promise<void> {
    const container = this.find(ref);
    await this.#stopper.stop(container, options);
    await this.#startLocked(container);
    announce(this.parts.events, container, 'restart');
  }

  async kill(ref: string, signal = 'SIGKILL'): Promise<void> {
    await this.#stopper.signal(this.find(ref), signal || 'SIGKILL');
  }

  /** Resolves with the exit status once the condition holds. */
  async wait(ref: string, condition: WaitCondition = 'not-running'): Promise<{ readonly statusCode: number; readonly error?: string }> {
    const container = this.find(ref);
    if (condition === 'removed') {
      await container.nextRemoval();
      return { statusCode: container.state.exitCode };
    }
    if (condition === 'next-exit' || container.running || container.state.status === 'restarting') await Promise.race([container.nextExit(), container.nextRemoval()]);
    return { statusCode: container.state.exitCode, ...(container.state.error === '' ? {} : { error: container.state.error }) };
  }

  /** Removes a container. Throws CONTAINER_RUNNING unless `force`; `volumes`: its anonymous ones too. */
  async remove(ref: string, options: { readonly force?: boolean; readonly volumes?: boolean } = {}): Promise<void> {
    await removeContainer(this.parts.locks, this.#stopper, this.#remover, this.find(ref), options);
  }

  pause(ref: string): Promise<void> {
    return pauseContainer(this.parts, this.find(ref));
  }

  unpause(ref: string): Promise<void> {
    return unpauseContainer(this.parts, this.find(ref));
  }

  /** Throws NAME_IN_USE, INVALID_CONTAINER_NAME, SAME_NAME. */
  rename(ref: string, newName: string): Promise<void> {
    return renameContainer(this.parts, this.find(ref), newName);
  }

  /** Changes limits and restart policy, of a running container at once. Throws CGROUPS_MISSING, INVALID_CONTAINER_CONFIG. */
  update(ref: string, change: Limits): Promise<void> {
    return updateContainer(this.parts, this.find(ref), change);
  }

  /** Puts a container into one more network, running or not. Throws NO_SUCH_NETWORK, ALREADY_CONNECTED, NETWORK_MODE_FIXED, ADDRESS_TAKEN. */
  connect(ref: string, network: string, settings: EndpointSettings): Promise<void> {
    return connectNetwork(this.parts, this.find(ref), network, settings);
  }

  /** Takes a container out of a network. Throws NO_SUCH_NETWORK, CONTAINER_NOT_ATTACHED. */
  disconnect(ref: string, network: string): Promise<void> {
    return disconnectNetwork(this.parts, this.find(ref), network);
  }

  list(options: ListOptions): object[] {
    return listContainers(this.parts.store, this.parts.networks, this.#imageNames, options);
  }

  /** What `list` gave, with `SizeRw`: the bytes of a container's own files, and `SizeRootFs`: with its image's. */
  withSizes(listed: readonly object[]): Promise<object[]> {
    return withSizes(this.parts, listed);
  }

  /** Docker's shape. */
  inspect(ref: string): object {
    const container = this.find(ref);
    const { networks, runtime, snapshots } = this.parts;
    return inspectContainer(container, networkView(networks, container), this.execs.idsOf(container.execs), { runtime: runtime.name, lowerDirs: layerFolders(snapshots, container.record) });
  }

  /** Writes a container's log to a client; see LogOptions. */
  async logs(ref: string, options: LogOptions, client: Writable, signal: AbortSignal): Promise<void> {
    await writeLogs(this.find(ref), options, client, signal);
  }

  /** Docker's figures, one a second with `stream`. */
  stats(ref: string, options: { readonly stream: boolean; readonly oneShot: boolean }, signal: AbortSignal): AsyncGenerator<object> {
    return containerStats(this.parts, this.find(ref), options, signal);
  }

  async top(ref: string, psArgs: string): Promise<object> {
    const container = this.find(ref);
    const shown = await containerTop(this.parts, container, psArgs);
    announce(this.parts.events, container, 'top');
    return shown;
  }

  /** Removes the containers that do not run and match `label`, `label!`, `until` filters. */
  async prune(filters: Filters): Promise<{ readonly removed: string[]; readonly bytes: number }> {
    const pruned = await pruneContainers(this.parts, filters, (id) => this.remove(id));
    this.parts.events.publish('container', 'prune', '', { reclaimed: String(pruned.bytes) });
    return pruned;
  }

  /** The container that a client may attach to. Throws CONTAINER_PAUSED. */
  checkAttach(ref: string): Container {
    return attachable(this.find(ref), ref);
  }

  /** Connects a client to a container's stdio: now, or when it starts. Resolves when the client is no longer attached. */
  attach(ref: string, client: Duplex, wishes: AttachWishes): Promise<void> {
    return attachClient(this.parts, this.checkAttach(ref), client, wishes);
  }

  resize(ref: string, rows: number, columns: number): Promise<void> {
    return resizeContainer(this.parts, this.find(ref), rows, columns);
  }

  /** Compares what containers claim with what the kernel says. `steps`: running build steps. */
  inspector(steps: () => ReadonlySet<string>): ContainerInspector {
    return new ContainerInspector({ parts: this.parts, steps, reconcile: (container) => this.parts.locks.run(container.id, () => reconcileOne(this.parts, this.#ender, this.#remover, container, new Set())) });
  }

  /** Whether the engine must stay: something runs or waits to be restarted. */
  isNeeded(): boolean {
    return this.usage.isNeeded();
  }

  /** The engine ends: containers go on, their ends are found by the next engine. */
  async close(): Promise<void> {
    this.#watcher.close();
    this.#restarter.close();
    await this.#health.close();
    this.#logs.close();
    await Promise.all(this.#ends);
    await this.parts.fifos.close();
    if (!this.isNeeded() && this.parts.cgroups.usable) await removeCgroupParent(this.parts.cgroups.version, this.parts.cgroupParent);
  }

  async #reconcile(): Promise<void> {
    await reconcileContainers(this.parts, this.#ender, this.#remover);
    for (const container of this.parts.store.list()) if (container.running) this.#watch(container, true);
    await this.#watcher.open();
    const again = this.parts.store.list().filter((container) => !container.running && container.state.status !== 'created' && wantsStart(container));
    for (const container of again) void this.#startLocked(container).catch((error: unknown) => this.parts.log.warn('a container could not be restarted', { container: container.id, error }));
  }

  /** `again`: by its restart policy; not if something else became of it while that waited. */
  #startLocked(container: Container, again = false): Promise<boolean> {
    return this.parts.locks.run(container.id, async () => {
      if (container.running || (again && container.state.status !== 'restarting')) return false;
      if (!this.parts.store.get(container.id)) throw removalInProgress({ id: container.id });
      clearTimeout(container.restartTimer);
      if (!again) this.#restarter.forget(container);
      await this.#starter.start(container, again);
      this.#watch(container, false);
      return true;
    });
  }

  #watch(container: Container, adopted: boolean): void {
    this.#health.watch(container, { adopted });
    this.#logs.watch(container);
  }

  #onExit(id: string): void {
    const container = this.parts.store.get(id);
    if (!container) return;
    const end: Promise<void> = this.#ender
      .end(container)
      .catch((error: unknown) => this.parts.log.error('the end of a container could not be handled', { container: id, error }))
      .finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }

}

/** At engine start: containers that a policy wants running. */
function wantsStart(container: Container): boolean {
  return container.record.hostConfig.RestartPolicy?.Name === 'always' || shouldRestart(container);
}
