import type { EndpointSettings } from '../api/docker/container.ts';
import type { Container } from './container.ts';
import { inNetworkAlready, networkModeFixed, notInNetwork } from './errors.ts';
import { keepEtcFiles } from './etcWriter.ts';
import { toWish } from './joining.ts';
import { isFixedMode, toMember } from './networkPlan.ts';
import type { ContainerParts } from './parts.ts';
import type { Networks } from './ports.ts';
import { publishPorts } from './publish.ts';
import type { NetworkMember } from './record.ts';

type NetworkingParts = Pick<ContainerParts, 'networks' | 'store' | 'locks'>;

/** Puts a container into one more network: at once if it runs, and whenever it starts. */
export async function connectNetwork({ networks, store, locks }: NetworkingParts, container: Container, ref: string, settings: EndpointSettings): Promise<void> {
  const network = networks.networkName(ref);
  const member = toMember(network, settings);
  await locks.run(container.id, async () => {
    const { mode, endpoints } = container.record.network;
    if (isFixedMode(mode)) throw networkModeFixed({ container: container.record.name, mode });
    if (isFixedMode(network)) throw networkModeFixed({ container: container.record.name, mode: network });
    if (endpoints.some((one) => one.network === network)) throw inNetworkAlready({ container: container.record.name, network });
    if (container.running) await connectRunning(networks, container, member);
    await store.updateRecord(container, (now) => ({ ...now, network: { mode, endpoints: [...endpoints, member] } }));
  });
}

/** A container that had no way out publishes its ports with its first one, as it would when it starts. On failure it is not connected. */
async function connectRunning(networks: Networks, container: Container, member: NetworkMember): Promise<void> {
  await keepEtcFiles(networks, container, () => networks.connect(container.id, member.network, toWish(member)));
  const [endpoint] = networks.endpoints(container.id);
  if (!endpoint || endpoint.gateway === '' || networks.publishedPorts(container.id).length > 0) return;
  try {
    await publishPorts(networks, container, endpoint);
  } catch (error) {
    await keepEtcFiles(networks, container, () => networks.disconnect(container.id, member.network));
    throw error;
  }
}

/** Takes a container out of a network, also out of one that is gone. */
export async function disconnectNetwork({ networks, store, locks }: NetworkingParts, container: Container, ref: string): Promise<void> {
  await locks.run(container.id, async () => {
    const { mode, endpoints } = container.record.network;
    const network = endpoints.some((one) => one.network === ref) ? ref : networks.networkName(ref);
    if (!endpoints.some((one) => one.network === network)) throw notInNetwork({ container: container.record.name, network });
    const attached = networks.endpoints(container.id).some(({ networkName }) => networkName === network);
    if (container.running && attached) await keepEtcFiles(networks, container, () => networks.disconnect(container.id, network));
    await store.updateRecord(container, (now) => ({ ...now, network: { mode, endpoints: endpoints.filter((one) => one.network !== network) } }));
  });
}
