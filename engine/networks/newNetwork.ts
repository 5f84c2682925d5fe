import { badRequest } from '../base/errors.ts';
import { shortRandom } from '../base/ids.ts';
import { linkExists } from '../host/ip.ts';
import { hasIpv6 } from '../host/ipForwarding.ts';
import { pickSubnet, pickSubnet6 } from './bridges.ts';
import { bridgeTaken, egressInvalid, ipv6Missing, networkPredefined } from './errors.ts';
import { contains, parseAddress, parseCidr } from './ipv4.ts';
import { canonicalAddress, contains6, formatCidr6, parseAddress6, parseCidr6 } from './ipv6.ts';
import { bridgeOptions } from './networkOptions.ts';
import type { NetworkRecord } from './networkStore.ts';
import { plainRecord } from './prepare.ts';

/** A subnet that is wished, and what in it. */
export interface NewSubnet {
  readonly subnet?: string;
  readonly gateway?: string;
  readonly range?: string;
  readonly aux?: Readonly<Record<string, string>>;
}

export interface NewNetwork {
  readonly name: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly ipv6?: boolean;
  /** At most one of each family; none: they are chosen. */
  readonly subnets?: readonly NewSubnet[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
}

export const predefined: ReadonlySet<string> = new Set(['bridge', 'host', 'none']);

/** The record of a network to make, checked. Throws BAD_REQUEST, SUBNET_TAKEN, BRIDGE_TAKEN, IPV6_MISSING, EGRESS_INVALID. */
export async function newRecord(request: NewNetwork, others: readonly NetworkRecord[]): Promise<NetworkRecord> {
  checkRequest(request);
  const { four, six } = byFamily(request.subnets ?? []);
  const wantsSix = request.ipv6 ?? false;
  if (six && !wantsSix) throw badRequest({ what: 'subnet', detail: `${six.subnet} is IPv6, which the network does not have: ask for it with --ipv6` });
  if (wantsSix && !(await hasIpv6())) throw ipv6Missing({ network: request.name });
  const plain = plainRecord(request.name, 'bridge');
  const options = bridgeOptions(request.options ?? {});
  if (options.bridge !== undefined && ((await linkExists(options.bridge)) || others.some(({ bridge }) => bridge === options.bridge))) throw bridgeTaken({ bridge: options.bridge });
  if (wantsSix && (options.mtu ?? 1280) < 1280) throw badRequest({ what: 'option mtu', detail: `IPv6 needs 1280 or more, not ${options.mtu}` });
  const choice = await pickSubnet(others, 1, four?.subnet);
  const choice6 = wantsSix ? await pickSubnet6(others, plain.id, six?.subnet) : { subnet: '', gateway: '' };
  return {
    ...plain,
    bridge: options.bridge ?? `bt-${shortRandom(5)}`,
    subnet: choice.subnet,
    gateway: four?.gateway ?? choice.gateway,
    subnet6: choice6.subnet,
    gateway6: six?.gateway === undefined ? choice6.gateway : canonicalAddress(six.gateway),
    range: four?.range ?? '',
    range6: six?.range ?? '',
    aux: { ...four?.aux, ...six?.aux },
    internal: request.internal ?? false,
    attachable: request.attachable ?? false,
    labels: { ...request.labels },
    options: { ...request.options },
  };
}

function checkRequest({ name, driver = 'bridge', internal, options = {}, subnets = [] }: NewNetwork): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw badRequest({ what: 'network name', detail: `"${name}" has other characters than [a-zA-Z0-9_.-] or begins with one of these signs` });
  if (predefined.has(name) || name === 'default') throw networkPredefined({ name });
  if (driver !== 'bridge') throw badRequest({ what: 'network driver', detail: `"${driver}" is not known; Berth has bridge networks` });
  if (internal && options['egress'] !== undefined) throw egressInvalid({ text: options['egress'], detail: 'an internal network has no way out at all: leave one of the two away' });
  subnets.forEach(checkSubnet);
}

function byFamily(subnets: readonly NewSubnet[]): { readonly four: NewSubnet | undefined; readonly six: NewSubnet | undefined } {
  const isSix = ({ subnet = '', gateway = '' }: NewSubnet): boolean => subnet.includes(':') || gateway.includes(':');
  const [six, four] = [subnets.filter(isSix), subnets.filter((one) => !isSix(one))];
  if (six.length > 1 || four.length > 1) throw badRequest({ what: 'IPAM', detail: 'a network has one subnet of IPv4 and one of IPv6' });
  return { four: four[0], six: six[0] };
}

function checkSubnet({ subnet, gateway, range, aux = {} }: NewSubnet): void {
  if (subnet === undefined) {
    if (gateway !== undefined || range !== undefined || Object.keys(aux).length > 0) throw badRequest({ what: gateway === undefined ? 'ip-range' : 'gateway', detail: 'it needs a subnet beside it' });
    return;
  }
  if (!parseCidr(subnet) && !parseCidr6(subnet)) throw badRequest({ what: 'subnet', detail: `"${subnet}" is not a network such as 10.20.0.0/16 or fd20::/64` });
  if (gateway !== undefined && !isIn(subnet, gateway)) throw badRequest({ what: 'gateway', detail: `"${gateway}" is not an address of the subnet given` });
  if (range !== undefined && !isWithin(subnet, range)) throw badRequest({ what: 'ip-range', detail: `"${range}" is not a part of ${subnet}` });
  for (const [name, address] of Object.entries(aux)) if (!isIn(subnet, address)) throw badRequest({ what: 'aux-address', detail: `${name}="${address}" is not an address of ${subnet}` });
}

function isIn(subnet: string, address: string): boolean {
  const [four, six] = [parseCidr(subnet), parseCidr6(subnet)];
  const [value, value6] = [parseAddress(address), parseAddress6(address)];
  return (four !== undefined && value !== undefined && contains(four, value)) || (six !== undefined && value6 !== undefined && contains6(six, value6));
}

function isWithin(subnet: string, range: string): boolean {
  const [outer, inner] = [parseCidr(subnet) ?? parseCidr6(subnet), parseCidr(range) ?? parseCidr6(range)];
  if (!outer || !inner || inner.prefix < outer.prefix) return false;
  return isIn(subnet, typeof inner.base === 'number' ? range.split('/')[0] ?? '' : formatCidr6({ base: inner.base, prefix: 128 }).split('/')[0] ?? '');
}
