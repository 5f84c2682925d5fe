import type { DevPort, PortEvent, PortRef } from '../../api/berth/port.ts';
import { metadataLabel, parseMetadataLabel } from '../config/metadata.ts';
import { Emitter } from '../../base/emitter.ts';
import type { Disposable } from '../../base/emitter.ts';
import { notFound } from '../../base/errors.ts';
import type { BusEvent, EventBus } from '../../base/eventBus.ts';
import { KeyedMutex } from '../../base/keyedMutex.ts';
import type { Log } from '../../base/log.ts';
import type { HostLoopback } from '../../host/rootless/hostLoopback.ts';
import { isInOwnNetwork } from '../../host/socketOwners.ts';
import { configFileLabel, devcontainerId, idLabels, localFolderLabel } from '../config/devcontainerId.ts';
import { findDevContainers, inspectContainer } from '../containerLookup.ts';
import { mergeWithImage, readDefinition } from '../definition.ts';
import type { DevContainers } from '../ports.ts';
import { noSettings, portSettings } from './attributes.ts';
import type { PortSettings } from './attributes.ts';
import { ContainerPorts } from './containerPorts.ts';
import { portSource } from './portSource.ts';

/** A look costs little (two small reads) while nothing changes. Something has just been started in the container: soon; nothing has changed for a while: less often. */
const SOON_MS = 200;
const LATEST_MS = 2000;
const SLOWER = 1.4;

export interface PortServiceParts {
  readonly log: Log;
  readonly events: EventBus;
  readonly containers: DevContainers;
  readonly loopback: HostLoopback;
}

interface Watch {
  readonly ports: ContainerPorts;
  timer: NodeJS.Timeout | undefined;
  pause: number;
}

/**
 * The ports of running dev containers: notices what begins and ceases to listen in them, forwards it to this host's loopback, and announces it
 * (`devcontainer` events `port_open`, `port_change`, `port_close`). Nothing of it is stored: a new engine finds the same again.
 */
export class PortService {
  readonly #parts: PortServiceParts;
  readonly #watches = new Map<string, Watch>();
  readonly #locks = new KeyedMutex();
  readonly #changes = new Emitter<PortEvent>();
  #subscription: Disposable | undefined;

  readonly onChange = (listener: (event: PortEvent) => void): Disposable => this.#changes.on(listener);

  constructor(parts: PortServiceParts) {
    this.#parts = parts;
  }

  /** Begins with the dev containers that run. */
  open(): void {
    this.#subscription = this.#parts.events.on((event) => this.#hear(event));
    for (const { containerId, state } of findDevContainers(this.#parts.containers, {})) if (state === 'running') this.#begin(containerId);
  }

  list(wanted: { readonly containerId?: string; readonly folder?: string } = {}): DevPort[] {
    const suits = ({ id, folder }: ContainerPorts['source']): boolean => (wanted.containerId === undefined || id === wanted.containerId) && (wanted.folder === undefined || folder === wanted.folder);
    return [...this.#watches.values()].filter(({ ports }) => suits(ports.source)).flatMap(({ ports }) => ports.list());
  }

  /** Takes what a definition says for its running container; returns the ports that `forwardPorts` names. */
  async apply(containerId: string, settings: PortSettings): Promise<DevPort[]> {
    return this.#locks.run(containerId, async () => {
      const watch = await this.#watch(containerId, () => Promise.resolve(settings));
      await watch?.ports.apply(settings);
      return (watch?.ports.list() ?? []).filter(({ declared }) => declared);
    });
  }

  /** Ends or begins forwarding. Throws NOT_FOUND. */
  async setForwarded({ containerId, host = '', port }: PortRef, wanted: boolean): Promise<DevPort> {
    const changed = await this.#locks.run(containerId, async () => this.#watches.get(containerId)?.ports.setForwarded(host, port, wanted));
    if (!changed) throw notFound({ kind: 'port', id: `${host === '' ? '' : `${host}:`}${port} of ${containerId}` });
    return changed;
  }

  async close(): Promise<void> {
    this.#subscription?.dispose();
    await Promise.all([...this.#watches.keys()].map((id) => this.#end(id, false)));
  }

  #hear({ type, action, id, attributes }: BusEvent): void {
    if (type !== 'container') return;
    if ((action === 'start' || action === 'unpause') && attributes[localFolderLabel] !== undefined) this.#begin(id);
    else if (action === 'die' || action === 'destroy') void this.#end(id, true);
    else if (action.startsWith('exec_start')) this.#soon(id);
  }

  #begin(containerId: string): void {
    void this.#locks
      .run(containerId, async () => {
        const watch = await this.#watch(containerId, () => this.#settingsOf(containerId));
        if (watch) this.#soon(containerId);
      })
      .catch((error: unknown) => this.#parts.log.warn('the ports of a dev container are not watched', { container: containerId, error }));
  }

  /** The watch of a container, begun if there is none yet; `undefined` for one that does not run, or has no network of its own. */
  async #watch(containerId: string, settingsOf: () => Promise<PortSettings>): Promise<Watch | undefined> {
    const known = this.#watches.get(containerId);
    if (known) return known;
    const details = inspectContainer(this.#parts.containers, containerId);
    if (!details.State.Running || isInOwnNetwork(details.State.Pid)) return undefined;
    const settings = await settingsOf();
    const ports = new ContainerPorts(portSource(details), settings, this.#parts.loopback, (event) => this.#announce(event));
    const watch: Watch = { ports, timer: undefined, pause: SOON_MS };
    this.#watches.set(containerId, watch);
    await ports.apply(settings);
    this.#schedule(containerId, watch);
    return watch;
  }

  /** By the definition as it is now; by the image alone where that cannot be read. */
  async #settingsOf(containerId: string): Promise<PortSettings> {
    const { Config } = inspectContainer(this.#parts.containers, containerId);
    const { [localFolderLabel]: folder = '', [configFileLabel]: config, [metadataLabel]: label } = Config.Labels ?? {};
    try {
      return portSettings(mergeWithImage(await readDefinition({ folder, config }), parseMetadataLabel(label).entries));
    } catch (error) {
      this.#parts.log.info('what a definition says of ports is not known', { container: containerId, folder, error });
      return noSettings;
    }
  }

  #soon(containerId: string): void {
    const watch = this.#watches.get(containerId);
    if (!watch) return;
    watch.pause = SOON_MS;
    this.#schedule(containerId, watch);
  }

  #schedule(containerId: string, watch: Watch): void {
    clearTimeout(watch.timer);
    watch.timer = setTimeout(() => void this.#look(containerId, watch), watch.pause).unref();
  }

  async #look(containerId: string, watch: Watch): Promise<void> {
    const changed = await this.#locks.run(containerId, async () => this.#watches.get(containerId) === watch && watch.ports.scan()).catch(() => undefined);
    // A container whose process is gone has ended: its event comes.
    if (changed === undefined || this.#watches.get(containerId) !== watch) return;
    watch.pause = changed ? SOON_MS : Math.min(watch.pause * SLOWER, LATEST_MS);
    this.#schedule(containerId, watch);
  }

  #end(containerId: string, ended: boolean): Promise<void> {
    return this.#locks.run(containerId, async () => {
      const watch = this.#watches.get(containerId);
      this.#watches.delete(containerId);
      clearTimeout(watch?.timer);
      await watch?.ports.close(ended);
    });
  }

  #announce(event: PortEvent): void {
    const { container, containerId, folder, configFile, host, port, local, label } = event.port;
    const labels = idLabels(folder, configFile);
    this.#parts.events.publish('devcontainer', `port_${event.type}`, devcontainerId(labels), { name: container, ...labels, container: containerId, port: String(port), ...(host === '' ? {} : { host }), ...(local ? { local: `${local.host}:${local.port}` } : {}), ...(label === undefined ? {} : { label }) });
    this.#changes.fire(event);
  }
}
