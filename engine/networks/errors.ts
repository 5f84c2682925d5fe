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
export const addressesExhausted = defineError<{ network: string; subnet: string }>('ADDRESSES_EXHAUSTED', 500, (p) => `no available addresses on network ${p.network} (${p.subnet}). Remove containers or create a larger network.`);
export const addressTaken = defineError<{ address: string; network: string }>('ADDRESS_TAKEN', 403, (p) => `Address ${p.address} is already in use or not part of network ${p.network}`);
export const containerNotAttached = defineError<{ container: string }>('CONTAINER_NOT_ATTACHED', 409, (p) => `Container ${p.container} is not running with a network of its own, so it cannot be connected or disconnected now. Start it first, or choose its network when creating it.`);
export const alreadyConnected = defineError<{ container: string; network: string }>('ALREADY_CONNECTED', 403, (p) => `endpoint with name ${p.container} already exists in network ${p.network}`);
export const egressInvalid = defineError<{ text: string; detail: string }>('EGRESS_INVALID', 400, (p) => `--opt egress="${p.text}": ${p.detail}. For instance allow:deb.debian.org,*.npmjs.org,10.1.0.0/16`);
export const ipv6Missing = defineError<{ network: string }>('IPV6_MISSING', 400, (p) => `network ${p.network} cannot have IPv6: this host's kernel has it turned off (ipv6.disable)`);
export const bridgeTaken = defineError<{ bridge: string }>('BRIDGE_TAKEN', 403, (p) => `bridge name ${p.bridge} is taken: this host has a network device of that name. Choose another com.docker.network.bridge.name`);
export const noIpv6 = defineError<{ network: string; address: string }>('NETWORK_WITHOUT_IPV6', 400, (p) => `network ${p.network} has no IPv6, so it cannot give the address ${p.address}. Create it with --ipv6`);
