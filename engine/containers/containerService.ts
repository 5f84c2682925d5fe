import type { Duplex, Writable } from 'node:stream';
import type { CreateContainer, EndpointSettings, Limits } from '../api/docker/container.ts';
import { removeCgroupParent } from '../host/cgroupTrees.ts';
import { resizeTerminal } from '../host/conmon.ts';
import { ContainerArchive } from './archive.ts';
import { announce } from './attributes.ts';
import { Attachment } from './attachment.ts';
import type { AttachOptions } from './attachment.ts';
import type { Container } from './container.ts';
import { createContainer } from './creation.ts';
import { Ender } from './ending.ts';
import { cgroupsMissing, isPaused, isRunning, notPaused, notRunning, removalInProgress, sameName } from './errors.ts';
import { ExecService } from './execService.ts';
import { HealthMonitor } from './health/healthMonitor.ts';
import { ExitWatcher } from './exitWatcher.ts';
import { ContainerFiles } from './files.ts';
import { ContainerInspector } from './inspection.ts';
import { limitsIn, limitsWithoutController, toResources } from './limits.ts';
import { listContainers } from './listing.ts';
import type { Filters, ListOptions } from './listing.ts';
import { writeLogs } from './logs.ts';
import type { LogOptions } from './logs.ts';
import { LogRotator } from './logRotator.ts';
import { checkName } from './names.ts';
import { connectNetwork, disconnectNetwork } from './networking.ts';
import { openParts } from './openParts.ts';
import type { PartsOptions } from './openParts.ts';
import type { ContainerParts } from './parts.ts';
import { pruneContainers } from './pruning.ts';
import { reconcileContainers, reconcileOne } from './reconcile.ts';
import { Remover } from './removal.ts';
import { Restarter, shouldRestart } from './restartPolicy.ts';
import { Starter } from './starter.ts';
import { withSizes } from './sizes.ts';
import { containerStats } from './stats.ts';
import { Stopper } from './stopping.ts';
import { containerTop } from './top.ts';
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
    this.#health = new HealthMonitor(parts, this.execs);
    this.#logs = new LogRotator(parts.log);
    this.#remover = new Remover(parts);
    this.#starter = new Starter(parts, this.#remover);
    this.#restarter = new Restarter(parts, async (container) => void (await this.#startLocked(container)));
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
    const stops = container.running || container.state.status === 'restarting';
    await this.#stopper.stop(container, options);
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
    const container = this.find(ref);
    if (container.state.status === 'removing') throw removalInProgress({ id: container.id });
    if (container.running) {
      if (!options.force) throw isRunning({ id: `/${container.record.name}`, what: 'remove' });
      container.state = { ...container.state, stoppedByUser: true };
      await this.#stopper.kill(container);
    }
    await this.parts.locks.run(container.id, () => this.#remover.removeLocked(container, { volumes: options.volumes ?? false }));
  }

  async pause(ref: string): Promise<void> {
    const container = this.#runningOrThrow(ref);
    await this.parts.locks.run(container.id, async () => {
      if (!this.parts.runtime.cgroups) throw cgroupsMissing({ what: 'pausing a container' });
      await this.parts.runtime.pause(container.id);
      await this.parts.store.setState(container, { status: 'paused' });
    });
    announce(this.parts.events, container, 'pause');
  }

  async unpause(ref: string): Promise<void> {
    const container = this.find(ref);
    if (container.state.status !== 'paused') throw notPaused({ id: ref });
    await this.parts.locks.run(container.id, async () => {
      await this.parts.runtime.resume(container.id);
      await this.parts.store.setState(container, { status: 'running' });
    });
    announce(this.parts.events, container, 'unpause');
  }

  async rename(ref: string, newName: string): Promise<void> {
    const container = this.find(ref);
    const name = checkName(newName);
    const old = container.record.name;
    if (name === old) throw sameName({ name });
    const { store, locks, events } = this.parts;
    store.reserveName(name, container.id);
    await locks.run(container.id, async () => {
      await store.changeRecord(container, { name }).catch((error: unknown) => {
        store.releaseName(name);
        throw error;
      });
      store.releaseName(old);
      this.parts.networks.rename(container.id, name);
    });
    announce(events, container, 'rename', { oldName: `/${old}` });
  }

  /** Puts a container into one more network, running or not. Throws NO_SUCH_NETWORK, ALREADY_CONNECTED, NETWORK_MODE_FIXED, ADDRESS_TAKEN. */
  connect(ref: string, network: string, settings: EndpointSettings): Promise<void> {
    return connectNetwork(this.parts, this.find(ref), network, settings);
  }

  /** Takes a container out of a network. Throws NO_SUCH_NETWORK, CONTAINER_NOT_ATTACHED. */
  disconnect(ref: string, network: string): Promise<void> {
    return disconnectNetwork(this.parts, this.find(ref), network);
  }

  /** Changes limits and restart policy, of a running container at once. */
  async update(ref: string, change: Limits): Promise<void> {
    const container = this.find(ref);
    const limited = limitsIn(change);
    const impossible = this.parts.runtime.cgroups ? limitsWithoutController(change, this.parts.cgroups) : limited;
    if (impossible.length > 0) throw cgroupsMissing({ what: impossible.join(', ') });
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null && value !== undefined && value !== 0 && value !== ''));
    await this.parts.locks.run(container.id, async () => {
      const hostConfig = { ...container.record.hostConfig, ...given };
      if (container.running && limited.length > 0) await this.parts.runtime.update(container.id, container.paths.bundle, toResources(hostConfig, this.parts.cgroups));
      await this.parts.store.changeRecord(container, { hostConfig });
    });
    announce(this.parts.events, container, 'update');
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
    const lowerDirs = container.record.snapshots.map((id) => snapshots.lowerDir(id)).reverse();
    return inspectContainer(container, networkView(networks, container), this.execs.idsOf(container.execs), { runtime: runtime.name, lowerDirs });
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
    return containerTop(this.parts, this.find(ref), psArgs);
  }

  /** Removes the containers that do not run and match `label`, `label!`, `until` filters. */
  async prune(filters: Filters): Promise<{ readonly removed: string[]; readonly bytes: number }> {
    return pruneContainers(this.parts, filters, (id) => this.remove(id));
  }

  /** The container that a client may attach to. Throws CONTAINER_PAUSED. */
  checkAttach(ref: string): Container {
    const container = this.find(ref);
    if (container.state.status === 'paused') throw isPaused({ id: ref });
    return container;
  }

  /** Connects a client to a container's stdio: now, or when it starts. Resolves when the client is no longer attached. */
  async attach(ref: string, client: Duplex, options: Omit<AttachOptions, 'tty' | 'stdin'> & { readonly stdin: boolean }): Promise<void> {
    const container = this.checkAttach(ref);
    const attachment = new Attachment(client, { ...options, stdin: options.stdin && (container.record.config.OpenStdin ?? false), tty: container.tty });
    announce(this.parts.events, container, 'attach');
    if (container.running) await attachment.connect(container.paths.bundle).catch(() => attachment.abandon());
    else container.attachments.add(attachment);
    await attachment.done;
    container.attachments.delete(attachment);
    client.end();
  }

  async resize(ref: string, rows: number, columns: number): Promise<void> {
    const container = this.find(ref);
    if (!container.running) throw notRunning({ id: container.id });
    await resizeTerminal(container.paths.bundle, rows, columns);
    announce(this.parts.events, container, 'resize', { height: String(rows), width: String(columns) });
  }

  /** Compares what containers claim with what the kernel says. `steps`: running build steps. */
  inspector(steps: () => ReadonlySet<string>): ContainerInspector {
    return new ContainerInspector({ parts: this.parts, steps, reconcile: (container) => this.parts.locks.run(container.id, () => reconcileOne(this.parts, this.#ender, this.#remover, container, new Set())) });
  }

  counts(): { running: number; paused: number; stopped: number } {
    const counts = { running: 0, paused: 0, stopped: 0 };
    for (const { state } of this.parts.store.list()) counts[state.status === 'running' ? 'running' : state.status === 'paused' ? 'paused' : 'stopped'] += 1;
    return counts;
  }

  /** Ids of the containers made from an image. */
  usersOfImage(imageId: string): string[] {
    return this.#ids(({ record }) => record.imageId === imageId);
  }

  /** The layers that containers stand on. */
  snapshotsInUse(): string[] {
    return [...new Set(this.parts.store.list().flatMap(({ record }) => record.snapshots))];
  }

  usersOfVolume(name: string): string[] {
    return this.#ids(({ record }) => record.mounts.some((mount) => mount.name === name));
  }

  /** Whether the engine must stay: something runs or waits to be restarted. */
  isNeeded(): boolean {
    return this.parts.store.list().some(({ running, state }) => running || state.status === 'restarting');
  }

  /** The engine ends: containers go on, their ends are found by the next engine. */
  async close(): Promise<void> {
    this.#watcher.close();
    this.#restarter.close();
    this.#health.close();
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

  #startLocked(container: Container): Promise<boolean> {
    return this.parts.locks.run(container.id, async () => {
      if (container.running) return false;
      if (!this.parts.store.get(container.id)) throw removalInProgress({ id: container.id });
      clearTimeout(container.restartTimer);
      await this.#starter.start(container);
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

  #runningOrThrow(ref: string): Container {
    const container = this.find(ref);
    if (container.state.status === 'paused') throw isPaused({ id: ref });
    if (!container.running) throw notRunning({ id: container.id });
    return container;
  }

  #ids(wanted: (container: Container) => boolean): string[] {
    return this.parts.store.list().filter(wanted).map(({ id }) => id);
  }
}

/** At engine start: containers that a policy wants running. */
function wantsStart(container: Container): boolean {
  return container.record.hostConfig.RestartPolicy?.Name === 'always' || shouldRestart(container);
}
