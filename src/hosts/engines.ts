import type { EngineEvent } from '../../engine/api/docker/event.ts';
import { Emitter } from '../base/emitter.ts';
import type { Disposable } from '../base/emitter.ts';
import { DevContainerStore } from '../model/devContainerStore.ts';
import { PortStore } from '../model/portStore.ts';
import { isThere, portHere } from '../model/remoteHosts.ts';
import { Host } from './host.ts';
import { PortFeed } from './portFeed.ts';
import type { OpenedPort } from './portFeed.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** The name of this machine's engine among the others. */
export const local = '';

/** An engine and what is known of it: this machine's, or that of a remote host. */
export interface Engine {
  /** The host's name; `local`: this machine. */
  readonly name: string;
  readonly host: Host;
  readonly devContainers: DevContainerStore;
  readonly ports: PortStore;
  /** The link to it is lost, and being mended. */
  readonly isLost: () => boolean;
}

export interface HostEvent {
  readonly host: string;
  readonly event: EngineEvent;
}

export interface EnginesOptions {
  readonly socketPath: () => string;
  readonly onProblem: (error: unknown) => void;
}

/** This machine's engine, and those of the remote hosts that are connected. */
export class Engines implements Disposable {
  readonly local: Engine;
  readonly #remote: RemoteHosts;
  readonly #onProblem: (error: unknown) => void;
  readonly #engines = new Map<string, { readonly engine: Engine; readonly feed: PortFeed; serves: boolean; lost: boolean }>();
  readonly #changes = new Emitter<void>();
  readonly #opened = new Emitter<OpenedPort>();
  readonly #events = new Emitter<HostEvent>();
  readonly #subscription: Disposable;

  /** There are others now, or the link to one is lost or mended. */
  readonly onChange = (listener: () => void): Disposable => this.#changes.on(listener);
  /** A program has begun to listen on a port. */
  readonly onPort = (listener: (opened: OpenedPort) => void): Disposable => this.#opened.on(listener);

  readonly onEvent = (listener: (event: HostEvent) => void): Disposable => this.#events.on(listener);

  constructor(remote: RemoteHosts, { socketPath, onProblem }: EnginesOptions) {
    this.#remote = remote;
    this.#onProblem = onProblem;
    this.local = this.#add(local, new Host({ socketPath, onProblem }), new PortStore());
    this.#subscription = remote.onChange((change) => this.#update(change.kind === 'item' ? change.name : undefined));
  }

  /** This machine's first, then the hosts' by name. */
  all(): Engine[] {
    return [...this.#engines.values()].map(({ engine }) => engine).sort((a, b) => a.name.localeCompare(b.name));
  }

  get(name: string): Engine | undefined {
    return this.#engines.get(name)?.engine;
  }

  running(): number {
    return this.all().reduce((sum, { host }) => sum + host.containers.running(), 0);
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const name of [...this.#engines.keys()]) this.#remove(name);
  }

  #update(name: string | undefined): void {
    const there = this.#remote.all().filter(isThere);
    const gone = [...this.#engines.keys()].filter((one) => one !== local && !there.some((host) => host.name === one));
    const come = there.filter((host) => !this.#engines.has(host.name));
    for (const one of gone) this.#remove(one);
    for (const { name: one, socketPath } of come) this.#addRemote(one, socketPath);
    if (gone.length > 0 || come.length > 0) this.#changes.fire();
    for (const host of there) if (name === undefined || host.name === name) this.#link(host.name);
  }

  /** What the link says of an engine: whether it can be asked, and where its ports are reached. */
  #link(name: string): void {
    const found = this.#engines.get(name);
    if (!found) return;
    const serves = this.#remote.get(name)?.engineServes ?? false;
    if (serves && !found.serves) found.engine.host.nudge();
    found.serves = serves;
    if (found.lost !== found.engine.isLost()) {
      found.lost = !found.lost;
      this.#changes.fire();
    }
    found.engine.ports.recheck();
    found.feed.recheck();
  }

  #addRemote(name: string, socketPath: string): void {
    const mayConnect = (): boolean => this.#remote.get(name)?.engineServes ?? false;
    const host = new Host({ socketPath: () => socketPath, onProblem: this.#onProblem, mayConnect });
    this.#add(name, host, new PortStore((port) => portHere(port, this.#remote.get(name)?.ports ?? [])));
    host.open();
  }

  #add(name: string, host: Host, ports: PortStore): Engine {
    const isLost = (): boolean => name !== local && this.#remote.get(name)?.state === 'reconnecting';
    const engine = { name, host, ports, devContainers: new DevContainerStore(host.containers, name), isLost };
    const feed = new PortFeed(host, ports, this.#onProblem);
    host.onEvent((event) => this.#events.fire({ host: name, event }));
    feed.onOpened((port) => this.#opened.fire({ port, host: name }));
    this.#engines.set(name, { engine, feed, serves: false, lost: false });
    return engine;
  }

  #remove(name: string): void {
    const found = this.#engines.get(name);
    this.#engines.delete(name);
    found?.feed.dispose();
    found?.engine.host.dispose();
  }
}
