import { hostname as hostName } from 'node:os';
import type { NamespaceChoice } from '../host/ociSpec.ts';
import type { Container } from './container.ts';
import { ipcNotShareable, networkSharedGone } from './errors.ts';
import { serversForNetwork } from './etcWriter.ts';
import type { ContainerParts } from './parts.ts';
import { linkedHosts } from './links.ts';
import type { LinkedHost } from './links.ts';
import type { Endpoint, NetworkWish } from './ports.ts';
import type { NetworkMember } from './record.ts';

/** First processes of the containers whose namespaces are joined, and the /dev/shm that goes with an IPC namespace. */
export interface JoinedNamespaces {
  readonly pid?: number;
  readonly ipc?: number;
  readonly shm?: string;
}

/** What a container joins of others, and its own place in a network. */
export interface Joined {
  readonly network: NamespaceChoice;
  /** Absent when the network is another container's. */
  readonly endpoint?: Endpoint;
  /** The container whose network this one shares. */
  readonly networkOf?: Container;
  readonly hostname: string;
  readonly namespaces: JoinedNamespaces;
  readonly links?: readonly LinkedHost[];
}

/** Attaches a container to its network, or finds the containers whose namespaces it joins. Throws when those do not run. */
export async function attachNetwork(parts: Pick<ContainerParts, 'networks' | 'store'>, container: Container): Promise<Joined> {
  const { record } = container;
  const { mode, endpoints: [first, ...further] } = record.network;
  const { PidMode, IpcMode } = record.hostConfig;
  const [pidOf, ipcOf] = [PidMode, IpcMode].map((value) => containerOf(parts, value));
  if (ipcOf && ipcOf.record.hostConfig.IpcMode !== 'shareable') throw ipcNotShareable({ id: ipcOf.id });
  const namespaces = { ...(pidOf?.state.process ? { pid: pidOf.state.process.pid } : {}), ...(ipcOf?.state.process ? { ipc: ipcOf.state.process.pid, shm: ipcOf.paths.shm } : {}) };
  const hostname = record.config.Hostname || (mode === 'host' ? hostName() : record.id.slice(0, 12));
  const shared = containerOf(parts, mode);
  if (shared) return { network: { path: `/proc/${shared.state.process?.pid}/ns/net` }, networkOf: shared, hostname: shared.record.config.Hostname || shared.id.slice(0, 12), namespaces };
  const links = linkedHosts(parts, container);
  const endpoint = await parts.networks.attach(record.id, { ...(first ? toWish(first) : { network: mode === 'host' ? 'host' : 'none' }), hostname, name: record.name, dns: serversForNetwork(record.hostConfig.Dns), further: further.map(toWish) });
  return { network: endpoint.netnsPath === '' ? 'host' : { path: endpoint.netnsPath }, endpoint, hostname, namespaces, links };
}

/** A place in a network as the networks are asked for it. */
export function toWish({ mac, ip, ip6, ...member }: NetworkMember): NetworkWish {
  return { ...member, ...(mac === undefined ? {} : { mac }), ...(ip === undefined ? {} : { ip }), ...(ip6 === undefined ? {} : { ip6 }) };
}

/** The running container meant by a mode `container:<ref>`. */
function containerOf({ store }: Pick<ContainerParts, 'store'>, mode: string | null | undefined): Container | undefined {
  if (!mode?.startsWith('container:')) return undefined;
  const found = store.find(mode.slice('container:'.length));
  if (!found.running || !found.state.process) throw networkSharedGone({ id: found.id });
  return found;
}
