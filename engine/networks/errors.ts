import { defineError } from '../base/errors.ts';

export const portInUse = defineError<{ hostIp: string; hostPort: number; protocol: string; container: string }>(
  'PORT_IN_USE',
  500,
  (p) => `driver failed programming external connectivity on endpoint ${p.container}: Bind for ${p.hostIp.includes(':') ? `[${p.hostIp}]` : p.hostIp}:${p.hostPort} failed: port is already allocated. Stop what uses ${p.protocol} port ${p.hostPort} on this host, or publish another port.`,
);
export const portForbidden = defineError<{ hostIp: string; hostPort: number; detail: string }>('PORT_FORBIDDEN', 500, (p) => `Cannot publish ${p.hostIp}:${p.hostPort} on this host: ${p.detail}`);
export const noSuchNetwork = defineError<{ network: string }>('NO_SUCH_NETWORK', 404, (p) => `network ${p.network} not found`);
export const networkExists = defineError<{ name: string }>('NETWORK_EXISTS', 409, (p) => `network with name ${p.name} already exists`);
export const networkInUse = defineError<{ name: string; containers: string }>('NETWORK_IN_USE', 403, (p) => `error while removing network: network ${p.name} has active endpoints (${p.containers}). Disconnect or stop these containers first.`);
export const networkPredefined = defineError<{ name: string }>('NETWORK_PREDEFINED', 403, (p) => `${p.name} is a pre-defined network and cannot be changed or removed`);
export const subnetTaken = defineError<{ subnet: string; by: string }>('SUBNET_TAKEN', 403, (p) => `Pool overlaps with other one on this address space: ${p.subnet} overlaps ${p.by}. Choose another subnet.`);
export const addressesExhausted = defineError<{ network: string; subnet: string }>('ADDRESSES_EXHAUSTED', 500, (p) => `no available IPv4 addresses on network ${p.network} (${p.subnet}). Remove containers or create a larger network.`);
export const addressTaken = defineError<{ address: string; network: string }>('ADDRESS_TAKEN', 403, (p) => `Address ${p.address} is already in use or not part of network ${p.network}`);
export const containerNotAttached = defineError<{ container: string }>('CONTAINER_NOT_ATTACHED', 409, (p) => `Container ${p.container} is not running with a network of its own, so it cannot be connected or disconnected now. Start it first, or choose its network when creating it.`);
export const alreadyConnected = defineError<{ container: string; network: string }>('ALREADY_CONNECTED', 403, (p) => `endpoint with name ${p.container} already exists in network ${p.network}`);
