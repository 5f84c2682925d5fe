import { hostname as hostName } from 'node:os';
import type { NamespaceChoice } from '../host/ociSpec.ts';
import type { Container } from './container.ts';
import { networkSharedGone } from './errors.ts';
import type { ContainerParts } from './parts.ts';
import type { Endpoint } from './ports.ts';

/** What a container joins of others, and its own place in a network. */
export interface Joined {
  readonly network: NamespaceChoice;
  /** Absent when the network is another container's. */
  readonly endpoint?: Endpoint;
  /** The container whose network this one shares. */
  readonly networkOf?: Container;
  readonly hostname: string;
  readonly namespaces: { readonly pid?: number; readonly ipc?: number };
}

/** Attaches a container to its network, or finds the containers whose namespaces it joins. Throws when those do not run. */
export async function attachNetwork(parts: Pick<ContainerParts, 'networks' | 'store'>, { record }: Container): Promise<Joined> {
  const { mode, aliases, mac, ip } = record.network;
  const { PidMode, IpcMode } = record.hostConfig;
  const [pid, ipc] = [PidMode, IpcMode].map((value) => joinedPid(parts, value));
  const namespaces = { ...(pid === undefined ? {} : { pid }), ...(ipc === undefined ? {} : { ipc }) };
  const hostname = record.config.Hostname || (mode === 'host' ? hostName() : record.id.slice(0, 12));
  const shared = containerOf(parts, mode);
  if (shared) return { network: { path: `/proc/${shared.state.process?.pid}/ns/net` }, networkOf: shared, hostname: shared.record.config.Hostname || shared.id.slice(0, 12), namespaces };
  const endpoint = await parts.networks.attach(record.id, { network: mode === 'bridge' ? 'default' : mode, hostname, name: record.name, aliases, ...(mac ? { mac } : {}), ...(ip ? { ip } : {}) });
  return { network: endpoint.netnsPath === '' ? 'host' : { path: endpoint.netnsPath }, endpoint, hostname, namespaces };
}

/** The running container meant by a mode `container:<ref>`. */
function containerOf({ store }: Pick<ContainerParts, 'store'>, mode: string | null | undefined): Container | undefined {
  if (!mode?.startsWith('container:')) return undefined;
  const found = store.find(mode.slice('container:'.length));
  if (!found.running || !found.state.process) throw networkSharedGone({ id: found.id });
  return found;
}

function joinedPid(parts: Pick<ContainerParts, 'store'>, mode: string | null | undefined): number | undefined {
  return containerOf(parts, mode)?.state.process?.pid;
}
