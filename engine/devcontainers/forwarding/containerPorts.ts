import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { DevPort, PortEvent } from '../../api/berth/port.ts';
import { asBerthError } from '../../base/errors.ts';
import type { BerthError } from '../../base/errors.ts';
import { listeningSockets, socketCounts } from '../../host/listeningSockets.ts';
import type { ListeningSocket } from '../../host/listeningSockets.ts';
import type { HostLoopback } from '../../host/rootless/hostLoopback.ts';
import { NamespaceConnector } from '../../host/namespaceConnector.ts';
import { socketOwners } from '../../host/socketOwners.ts';
import type { SocketOwner } from '../../host/socketOwners.ts';
import { attributesOf } from './attributes.ts';
import type { PortSettings, ResolvedAttributes } from './attributes.ts';
import { openLocalForward } from './localForward.ts';
import type { LocalForward } from './localForward.ts';

/** A running dev container, as far as its ports go. */
export interface PortSource {
  readonly id: string;
  readonly name: string;
  readonly folder: string;
  readonly configFile: string;
  /** Its first process. */
  readonly pid: number;
  /** Empty: no address of its own. */
  readonly ip: string;
  /** TCP ports published with it: port inside to address on the host. */
  readonly published: ReadonlyMap<number, { readonly host: string; readonly port: number }>;
  readonly hosts: string;
  readonly resolvConf: string;
}

/** How often the same number of sockets is taken for the same sockets, before it is looked at anyway: one may have come as another went. */
const UNREAD = 5;

interface Entry {
  readonly host: string;
  readonly port: number;
  declared: boolean;
  sockets: readonly ListeningSocket[];
  owner: SocketOwner | undefined;
  forward: LocalForward | undefined;
  problem: BerthError | undefined;
  /** The user wants it not forwarded. */
  stopped: boolean;
}

/** The ports of one running dev container: what listens, and what is forwarded. The caller lets one function run at a time. */
export class ContainerPorts {
  readonly source: PortSource;
  #settings: PortSettings;
  readonly #loopback: HostLoopback;
  readonly #tell: (event: PortEvent) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #connector: NamespaceConnector;
  #counts = '';
  #unread = 0;

  constructor(source: PortSource, settings: PortSettings, loopback: HostLoopback, tell: (event: PortEvent) => void) {
    this.source = source;
    this.#settings = settings;
    this.#loopback = loopback;
    this.#tell = tell;
    this.#connector = new NamespaceConnector({ namespace: `/proc/${source.pid}/ns/net`, hosts: source.hosts, resolvConf: source.resolvConf });
  }

  list(): DevPort[] {
    return [...this.#entries.values()].sort((a, b) => a.port - b.port || (a.host < b.host ? -1 : 1)).map((entry) => this.#view(entry));
  }

  /** Takes what the definition says (now), and forwards what `forwardPorts` names. */
  async apply(settings: PortSettings): Promise<void> {
    this.#settings = settings;
    const declared = new Set(settings.declared.map(keyOf));
    for (const one of settings.declared) this.#entry(one.host, one.port).declared = true;
    for (const [key, entry] of [...this.#entries]) {
      if (!declared.has(key)) entry.declared = false;
      await this.#settle(entry);
    }
  }

  /** Looks at what listens now; true if that is something else than before. Throws when the container has ended. */
  async scan(): Promise<boolean> {
    const counts = await socketCounts(this.source.pid);
    const same = counts === this.#counts && this.#unread < UNREAD;
    this.#unread = same ? this.#unread + 1 : 0;
    this.#counts = counts;
    const changed = same ? false : await this.#read();
    for (const entry of this.#entries.values()) if (entry.problem) await this.#retry(entry);
    return changed;
  }

  async #read(): Promise<boolean> {
    const found = Map.groupBy(await listeningSockets(this.source.pid), ({ port }) => port);
    const known = new Set([...this.#entries.values()].flatMap(({ sockets }) => sockets.map(({ inode }) => inode)));
    const fresh = [...found.values()].flat().filter(({ inode }) => !known.has(inode));
    const owners = socketOwners(this.source.pid, fresh.map(({ inode }) => inode));
    let changed = false;
    for (const [port, sockets] of found) changed = (await this.#seen(this.#entry('', port), sockets, owners)) || changed;
    for (const entry of [...this.#entries.values()]) {
      if (entry.host !== '' || entry.sockets.length === 0 || found.has(entry.port)) continue;
      changed = true;
      await this.#gone(entry);
    }
    return changed;
  }

  /** Ends or begins the forwarding of a port; `undefined`: there is no such port. */
  async setForwarded(host: string, port: number, wanted: boolean): Promise<DevPort | undefined> {
    const entry = this.#entries.get(keyOf({ host, port }));
    if (!entry) return undefined;
    entry.stopped = !wanted;
    await this.#settle(entry);
    this.#tell({ type: 'change', port: this.#view(entry) });
    return this.#view(entry);
  }

  /** The container has ended, or the engine does. */
  async close(ended: boolean): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#connector.close();
    for (const entry of entries) {
      await entry.forward?.close();
      entry.forward = undefined;
      if (ended && entry.sockets.length > 0) this.#tell({ type: 'close', port: this.#view({ ...entry, sockets: [] }) });
    }
  }

  async #seen(entry: Entry, sockets: readonly ListeningSocket[], owners: ReadonlyMap<string, SocketOwner>): Promise<boolean> {
    const opened = entry.sockets.length === 0;
    const before = JSON.stringify(entry.sockets);
    entry.sockets = sockets;
    entry.owner = sockets.map(({ inode }) => owners.get(inode)).find(Boolean) ?? (opened ? undefined : entry.owner);
    if (before === JSON.stringify(sockets)) return false;
    await this.#settle(entry);
    this.#tell({ type: opened ? 'open' : 'change', port: this.#view(entry) });
    return true;
  }

  async #gone(entry: Entry): Promise<void> {
    entry.sockets = [];
    entry.owner = undefined;
    entry.stopped = false;
    await this.#settle(entry);
    this.#tell({ type: 'close', port: this.#view(entry) });
  }

  /** The port of the host may have become free. */
  async #retry(entry: Entry): Promise<void> {
    await this.#settle(entry);
    if (!entry.problem) this.#tell({ type: 'change', port: this.#view(entry) });
  }

  /** Forwards what should be, lets go what should not, and forgets what nothing is to be said of. */
  async #settle(entry: Entry): Promise<void> {
    entry.problem = undefined;
    const attributes = this.#attributes(entry);
    if (!this.#isWanted(entry, attributes)) {
      await entry.forward?.close();
      entry.forward = undefined;
      if (!entry.declared && entry.sockets.length === 0) this.#entries.delete(keyOf(entry));
      return;
    }
    try {
      entry.forward ??= await openLocalForward(this.#loopback, entry.port, attributes.requireLocalPort, () => this.#dial(entry));
    } catch (error) {
      entry.problem = asBerthError(error);
    }
  }

  #isWanted(entry: Entry, { onAutoForward }: ResolvedAttributes): boolean {
    if (entry.stopped || this.#publishedAt(entry)) return false;
    return entry.declared || (entry.sockets.length > 0 && onAutoForward !== 'ignore');
  }

  /** Where a port is published, unless the program listens where publishing does not reach. */
  #publishedAt(entry: Entry): { readonly host: string; readonly port: number } | undefined {
    if (entry.host !== '' || (entry.sockets.length > 0 && isLoopbackOnly(entry))) return undefined;
    return this.source.published.get(entry.port);
  }

  /** By the container's address where the program listens on all; else from inside, where its own loopback is. */
  async #dial(entry: Entry): Promise<Socket> {
    if (entry.host !== '') return this.#connector.connect({ host: entry.host, port: entry.port });
    if (this.source.ip !== '' && entry.sockets.some(({ scope }) => scope === 'any')) {
      const socket = await connectTo(this.source.ip, entry.port).catch(() => undefined);
      if (socket) return socket;
    }
    // A program may have begun to listen since the last look.
    const [first = '::1', ...others] = new Set([...entry.sockets.map(({ address }) => address), '127.0.0.1', '::1']);
    let attempt = this.#connector.connect({ host: first, port: entry.port });
    for (const host of others) attempt = attempt.catch(() => this.#connector.connect({ host, port: entry.port }));
    return attempt;
  }

  #attributes({ host, port, owner }: Entry): ResolvedAttributes {
    return attributesOf(this.#settings, { host, port, ...(owner ? { command: owner.command } : {}) });
  }

  #entry(host: string, port: number): Entry {
    const key = keyOf({ host, port });
    const known = this.#entries.get(key);
    if (known) return known;
    const entry: Entry = { host, port, declared: false, sockets: [], owner: undefined, forward: undefined, problem: undefined, stopped: false };
    this.#entries.set(key, entry);
    return entry;
  }

  #view(entry: Entry): DevPort {
    const { id, name, folder, configFile } = this.source;
    const published = this.#publishedAt(entry);
    const local = published ?? (entry.forward ? { host: entry.forward.host, port: entry.forward.port } : undefined);
    return {
      ...{ containerId: id, container: name, folder, configFile, host: entry.host, port: entry.port },
      listening: entry.host !== '' || entry.sockets.length > 0,
      loopbackOnly: isLoopbackOnly(entry),
      families: [...new Set(entry.sockets.map(({ family }) => family))],
      ...(entry.owner ? { process: { ...entry.owner } } : {}),
      declared: entry.declared,
      ...(local ? { local } : {}),
      published: published !== undefined,
      ...(entry.problem ? { problem: problemOf(entry.problem) } : {}),
      ...this.#attributes(entry),
    };
  }
}

function isLoopbackOnly({ sockets }: Entry): boolean {
  return sockets.length > 0 && sockets.every(({ scope }) => scope === 'loopback');
}

function problemOf({ code, message, params }: BerthError): NonNullable<DevPort['problem']> {
  return { code, message, params: Object.fromEntries(Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))) };
}

function keyOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

function connectTo(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.pause();
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
