import type { Duplex } from 'node:stream';
import { basename } from 'node:path';
import type { ShareRequest, SshAuthorize, SshConnect, SshTarget } from '../api/berth/ssh.ts';
import type { BusEvent, EventBus } from '../base/eventBus.ts';
import type { Log } from '../base/log.ts';
import { publicKeyBlob } from '../base/sshKey.ts';
import type { AgentLauncher } from './agentProcess.ts';
import { ClientLinks } from './clientLinks.ts';
import type { EndpointConnection } from './connection.ts';
import { EndpointStore } from './endpointStore.ts';
import { invalidPublicKey, noSuchTarget } from './errors.ts';
import type { EndpointContainers, EndpointDevContainer, EndpointDevContainers } from './ports.ts';
import { RelayPool } from './relayPool.ts';
import { shareWithContainer } from './sharing.ts';
import type { ConnectionTarget, Login } from './target.ts';

export interface EndpointServiceParts {
  readonly dataRoot: string;
  readonly log: Log;
  readonly events: EventBus;
  readonly containers: EndpointContainers;
  readonly devContainers: EndpointDevContainers;
  readonly agent: AgentLauncher;
}

/** How long a client has to take in that its container has ended. */
const FAREWELL_MS = 1000;

/** SSH into dev containers and containers: who may, as whom, and the connections themselves. */
export class EndpointService {
  readonly links = new ClientLinks();
  readonly #parts: EndpointServiceParts;
  readonly #store: EndpointStore;
  readonly #relays: RelayPool;
  readonly #connections = new Map<EndpointConnection, { readonly containerId: string; readonly stream: Duplex }>();

  constructor(parts: EndpointServiceParts) {
    this.#parts = parts;
    this.#store = new EndpointStore(parts.dataRoot, parts.log);
    this.#relays = new RelayPool(parts.agent);
    parts.events.on((event) => this.#onEvent(event));
  }

  /** Every dev container, and the containers that somebody has asked for before. */
  async targets(): Promise<SshTarget[]> {
    const { devContainers, containers } = this.#parts;
    const dev = await Promise.all(devContainers.list().map((one) => this.#devTarget(one)));
    const known = new Set(dev.map(({ id }) => id));
    const others = [...(await this.#store.all()).keys()].filter((id) => !known.has(id) && id.length === 64);
    const found = await Promise.all(others.filter((id) => exists(containers, id)).map((id) => this.#containerTarget(id)));
    return [...dev, ...found];
  }

  /** Lets a key log in. Throws NO_SUCH_SSH_TARGET, NO_SUCH_CONTAINER, INVALID_PUBLIC_KEY. */
  async authorize({ kind, id, publicKey }: SshAuthorize): Promise<SshTarget> {
    const key = publicKeyBlob(publicKey);
    if (key === undefined) throw invalidPublicKey({});
    const target = kind === 'devcontainer' ? await this.#devTarget(this.#findDev(id)) : await this.#containerTarget(this.#parts.containers.find(id).id);
    const { authorized } = await this.#store.authorize(target.id, key);
    return { ...target, authorized };
  }

  /** What a connection to a dev container will lead to. Throws NO_SUCH_SSH_TARGET, DEVCONTAINER_NOT_UP. */
  async devContainer(id: string, request: SshConnect, signal: AbortSignal): Promise<ConnectionTarget> {
    const { containers, devContainers } = this.#parts;
    const one = this.#findDev(id);
    const spec = await devContainers.execSpec(one, request.localEnv, signal);
    const { hostKey } = await this.#record(one);
    const container = containers.running(spec.containerId);
    const own = { user: spec.user, cwd: spec.cwd, env: spec.env, shell: spec.shell };
    return { container, hostKey, user: spec.user, authorized: () => this.#authorized(id), login: async (user) => ({ ...(await this.#login(container.id, user, spec.cwd)), ...(user === spec.user ? own : {}) }) };
  }

  /** The same for any running container. Throws NO_SUCH_CONTAINER, CONTAINER_NOT_RUNNING, NO_SUCH_SSH_TARGET. */
  async container(ref: string): Promise<ConnectionTarget> {
    const { containers } = this.#parts;
    const { id, name } = containers.find(ref);
    const record = (await this.#store.all()).get(id);
    if (!record) throw noSuchTarget({ name });
    const container = containers.running(id);
    return { container, hostKey: record.hostKey, user: container.user, authorized: () => this.#authorized(id), login: (user) => this.#login(id, user, container.cwd) };
  }

  /** Lets processes that are started otherwise than by SSH use what the client shares. Returns environment for them. */
  share(link: string, request: ShareRequest): Promise<string[]> {
    return shareWithContainer({ containers: this.#parts.containers, relays: this.#relays, links: this.links }, link, request);
  }

  /** Serves a raw connection to its end. */
  async serve(target: ConnectionTarget, request: SshConnect, stream: Duplex): Promise<void> {
    const { log, containers, agent } = this.#parts;
    const parts = { execs: containers.execs, launcher: agent, relays: this.#relays, links: this.links, log, target, request };
    // ssh2 is loaded only once somebody connects: an idle engine shall be small.
    const { serveSsh } = await import('./serveSsh.ts');
    await serveSsh(stream, parts, (connection) => {
      this.#connections.set(connection, { containerId: target.container.id, stream });
      stream.once('close', () => this.#connections.delete(connection));
    });
  }

  async #login(containerId: string, user: string, cwd: string): Promise<Login> {
    const account = await this.#parts.containers.account(containerId, user);
    return { user, account, shell: account.shell, cwd, env: [`HOME=${account.home}`, `USER=${user}`, `SHELL=${account.shell}`] };
  }

  async #authorized(id: string): Promise<readonly string[]> {
    return (await this.#store.all()).get(id)?.authorized ?? [];
  }

  #findDev(id: string): EndpointDevContainer {
    const found = this.#parts.devContainers.list().find((one) => one.id === id);
    if (!found) throw noSuchTarget({ name: id });
    return found;
  }

  #record(one: EndpointDevContainer): ReturnType<EndpointStore['obtain']> {
    return this.#store.obtain(one.id, basename(one.folder));
  }

  async #devTarget(one: EndpointDevContainer): Promise<SshTarget> {
    const { name, hostPublicKey, authorized } = await this.#record(one);
    const { id, containerId, folder, configFile, state } = one;
    return { kind: 'devcontainer', id, containerId, name, user: await this.#parts.devContainers.remoteUser(one), folder, configFile, state, hostKey: hostPublicKey, authorized };
  }

  async #containerTarget(id: string): Promise<SshTarget> {
    const { name: containerName, state, user } = this.#parts.containers.find(id);
    const { name, hostPublicKey, authorized } = await this.#store.obtain(id, containerName);
    return { kind: 'container', id, containerId: id, name, user, folder: '', configFile: '', state, hostKey: hostPublicKey, authorized };
  }

  #onEvent({ type, action, id }: BusEvent): void {
    if (type === 'devcontainer' && action === 'down') void this.#store.remove(id).catch((error: unknown) => this.#parts.log.warn('an endpoint could not be removed', { id, error }));
    if (type !== 'container') return;
    if (action === 'die') {
      for (const [connection, { containerId, stream }] of this.#connections) {
        if (containerId !== id) continue;
        connection.end();
        // A client that does not listen must not keep what belongs to its connection.
        setTimeout(() => stream.destroy(), FAREWELL_MS).unref();
      }
      this.#relays.killAll(id);
    }
    if (action === 'destroy') void this.#store.remove(id).catch((error: unknown) => this.#parts.log.warn('an endpoint could not be removed', { id, error }));
  }
}

function exists(containers: EndpointContainers, id: string): boolean {
  try {
    containers.find(id);
    return true;
  } catch {
    return false;
  }
}
