import type { AddressInfo, Server } from 'node:net';
import { z } from 'zod';
import type { ForwardedPort, LinkForwarded } from '../../api/berth/link.ts';
import type { ApiClient } from '../../api/client.ts';
import { portEventSchema } from '../../api/berth/port.ts';
import type { DevPort } from '../../api/berth/port.ts';
import { containerSummarySchema } from '../../api/docker/containerView.ts';
import type { ContainerSummary } from '../../api/docker/containerView.ts';
import { systemCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { MuxSession } from '../../base/mux/muxSession.ts';
import { oneTimeRedirect } from '../../base/oneTimeRedirect.ts';
import { createStreamServer } from './apiServer.ts';
import type { StreamServer } from './apiServer.ts';

export interface PortForwardsOptions {
  readonly client: ApiClient;
  readonly need: () => Promise<MuxSession>;
  readonly log: Log;
  readonly onChange: () => void;
}

type Wanted = Omit<ForwardedPort, 'localPort'>;
type Target = Parameters<typeof createStreamServer>[0]['target'];

interface Forward {
  readonly server: StreamServer;
  readonly localPort: number;
}

interface WantedPort {
  readonly port: Wanted;
  readonly target: Target;
}

/** Published TCP ports of the host's containers, and what the engine forwards of its dev containers, each at 127.0.0.1 of this machine: under its own number where that is free, else under another. */
export class PortForwards {
  readonly #options: PortForwardsOptions;
  readonly #open = new Map<string, { readonly server: StreamServer; readonly port: ForwardedPort }>();
  /** Of dev containers, where their engine forwards them to its own host. */
  readonly #devPorts = new Map<string, DevPort>();
  /** Ports of the host itself that somebody asked for; as long as the link is there. */
  readonly #asked = new Map<number, Promise<Forward>>();
  #following: AbortController | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(options: PortForwardsOptions) {
    this.#options = options;
  }

  list(): ForwardedPort[] {
    return [...this.#open.values()].map(({ port }) => port).sort((a, b) => a.localPort - b.localPort);
  }

  /** Somebody may come to one of them. */
  get isNeeded(): boolean {
    return this.#open.size > 0 || this.#asked.size > 0;
  }

  /** Connections through forwarded ports. */
  connections(): number {
    return [...this.#open.values()].reduce((sum, { server }) => sum + server.connections(), 0);
  }

  /** See `linkForwardSchema`. */
  async forwardHostPort(port: number, path: string | undefined): Promise<LinkForwarded> {
    const forward = this.#asked.get(port) ?? this.#listen(port, { kind: 'host-port', port });
    this.#asked.set(port, forward);
    forward.catch(() => this.#asked.delete(port));
    const { localPort } = await forward;
    this.#options.onChange();
    return { localPort, ...(path === undefined ? {} : { once: await oneTimeRedirect(listenForOnce, `http://127.0.0.1:${localPort}${path}`) }) };
  }

  /** Follows the engine's events from now on; those of a former session are not followed any more. */
  follow(): void {
    this.#following?.abort();
    const following = new AbortController();
    this.#following = following;
    this.#devPorts.clear();
    for (const watch of [this.#watch(following.signal), this.#watchDevPorts(following.signal)]) {
      void watch.catch((error: unknown) => {
        if (!following.signal.aborted) this.#options.log.info('events ended', { error });
      });
    }
  }

  close(): void {
    this.#following?.abort();
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
    for (const forward of this.#asked.values()) void forward.then(({ server }) => server.close(), () => undefined);
    this.#asked.clear();
  }

  /** The list is read once the events are open: what happens between is in both, and nothing in neither. */
  async #watch(signal: AbortSignal): Promise<void> {
    const filters = JSON.stringify({ type: ['container'], event: ['start', 'die', 'destroy', 'rename'] });
    const { client } = this.#options;
    const events = await client.stream('GET', '/events', { query: { filters }, signal });
    await this.#refresh(signal);
    // What exactly happened the list tells.
    for await (const _event of events) await this.#refresh(signal);
  }

  async #watchDevPorts(signal: AbortSignal): Promise<void> {
    const events = this.#options.client.lines('GET', '/berth/v1/ports', portEventSchema, { query: { follow: 1 }, signal });
    for await (const { type, port } of events) {
      const key = `${port.containerId}/${port.host}:${port.port}`;
      if (type === 'close' || !port.local || port.published) this.#devPorts.delete(key);
      else this.#devPorts.set(key, port);
      await this.#refresh(signal);
    }
  }

  #refresh(signal: AbortSignal): Promise<void> {
    const run = this.#queue.then(() => this.#update(signal));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #update(signal: AbortSignal): Promise<void> {
    const running = await this.#options.client.json('GET', '/containers/json', z.array(containerSummarySchema), { signal });
    const wanted = new Map<string, WantedPort>([...publishedPorts(running), ...forwardedPorts(this.#devPorts)]);
    for (const [key, { server }] of [...this.#open]) {
      if (wanted.has(key)) continue;
      server.close();
      this.#open.delete(key);
    }
    for (const [key, port] of wanted) if (!this.#open.has(key) && !signal.aborted) await this.#forward(key, port);
    this.#options.onChange();
  }

  async #forward(key: string, { port, target }: WantedPort): Promise<void> {
    try {
      const { server, localPort } = await this.#listen(port.hostPort, target);
      this.#open.set(key, { server, port: { ...port, localPort } });
    } catch (error) {
      this.#options.log.warn('a port is not forwarded', { port: port.hostPort, error });
    }
  }

  async #listen(hostPort: number, target: Target): Promise<Forward> {
    const { need, onChange } = this.#options;
    const server = createStreamServer({ target, need, onChange });
    const localPort = (await listen(server.server, hostPort)) ?? (await listen(server.server, 0));
    if (localPort === undefined) throw new Error('no port is free');
    return { server, localPort };
  }
}

function publishedPorts(running: readonly ContainerSummary[]): Array<[string, WantedPort]> {
  return running.flatMap(({ Id, Names, Ports }) =>
    (Ports ?? []).flatMap(({ Type, PrivatePort, PublicPort }): Array<[string, WantedPort]> => {
      if (Type !== 'tcp' || PublicPort === undefined) return [];
      const port = { container: Id, name: (Names[0] ?? Id).replace(/^\//, ''), containerPort: PrivatePort, hostPort: PublicPort };
      return [[`${Id}/${PrivatePort}/${PublicPort}`, { port, target: { kind: 'container-port', container: Id, port: PrivatePort } }]];
    }),
  );
}

function forwardedPorts(ports: ReadonlyMap<string, DevPort>): Array<[string, WantedPort]> {
  return [...ports].flatMap(([key, { containerId, container, port, local }]): Array<[string, WantedPort]> =>
    local ? [[`dev ${key} ${local.port}`, { port: { container: containerId, name: container, containerPort: port, hostPort: local.port }, target: { kind: 'host-port', port: local.port } }]] : [],
  );
}

/** `undefined`: this number is not to be had. */
function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      if (port !== 0 && ['EADDRINUSE', 'EACCES'].includes(systemCode(error) ?? '')) resolve(undefined);
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function listenForOnce(server: Server): Promise<{ port: number; release: () => void }> {
  return { port: (await listen(server, 0)) ?? 0, release: () => void server.close() };
}
