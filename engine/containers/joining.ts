import { hostname as hostName } from 'node:os';
import type { NamespaceChoice } from '../host/ociSpec.ts';
import type { Container } from './container.ts';
import { ipcNotShareable, networkSharedGone } from './errors.ts';
import { serversForNetwork } from './etcWriter.ts';
import type { ContainerParts } from './parts.ts';
import type { Endpoint } from './ports.ts';

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
}

/** Attaches a container to its network, in the namespace of a process where one is given, or finds the containers whose namespaces it joins. Throws when those do not run. */
export async function attachNetwork(parts: Pick<ContainerParts, 'networks' | 'store'>, { record }: Container, namespaceOf?: number): Promise<Joined> {
  const { mode, aliases, mac, ip } = record.network;
  const { PidMode, IpcMode } = record.hostConfig;
  const [pidOf, ipcOf] = [PidMode, IpcMode].map((value) => containerOf(parts, value));
  if (ipcOf && ipcOf.record.hostConfig.IpcMode !== 'shareable') throw ipcNotShareable({ id: ipcOf.id });
  const namespaces = { ...(pidOf?.state.process ? { pid: pidOf.state.process.pid } : {}), ...(ipcOf?.state.process ? { ipc: ipcOf.state.process.pid, shm: ipcOf.paths.shm } : {}) };
  const hostname = record.config.Hostname || (mode === 'host' ? hostName() : record.id.slice(0, 12));
  const shared = containerOf(parts, mode);
  if (shared) return { network: { path: `/proc/${shared.state.process?.pid}/ns/net` }, networkOf: shared, hostname: shared.record.config.Hostname || shared.id.slice(0, 12), namespaces };
  const endpoint = await parts.networks.attach(record.id, { network: mode === 'bridge' ? 'default' : mode, hostname, name: record.name, aliases, dns: serversForNetwork(record.hostConfig.Dns), ...(mac ? { mac } : {}), ...(ip ? { ip } : {}), ...(namespaceOf === undefined ? {} : { namespaceOf }) });
  return { network: endpoint.netnsPath === '' ? 'host' : { path: endpoint.netnsPath }, endpoint, hostname, namespaces };
}

/** The running container meant by a mode `container:<ref>`. */
function containerOf({ store }: Pick<ContainerParts, 'store'>, mode: string | null | undefined): Container | undefined {
  if (!mode?.startsWith('container:')) return undefined;
  const found = store.find(mode.slice('container:'.length));
  if (!found.running || !found.state.process) throw networkSharedGone({ id: found.id });
  return found;
}
