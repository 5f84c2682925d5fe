import { isIPv4 } from 'node:net';
import { badRequest } from '../base/errors.ts';
import { parseEgress } from './egress/egressPolicy.ts';
import type { EgressPolicy } from './egress/egressPolicy.ts';

/** What the options of a network (`--opt`) say. */
export interface BridgeOptions {
  /** The name of the bridge; absent: one is invented. */
  readonly bridge?: string;
  readonly mtu?: number;
  /** Whether its containers reach each other. */
  readonly icc: boolean;
  /** Whether what leaves the host does so under the host's address. */
  readonly masquerade: boolean;
  /** Where ports are published unless the user says where. */
  readonly hostBinding?: string;
  /** What devices are called inside, a number behind it. */
  readonly devicePrefix: string;
  /** What can be reached outside; absent: everything. */
  readonly egress?: EgressPolicy;
}

const DOCKER = 'com.docker.network.';
const known = {
  bridge: [`${DOCKER}bridge.name`],
  mtu: [`${DOCKER}driver.mtu`, `${DOCKER}bridge.mtu`],
  icc: [`${DOCKER}bridge.enable_icc`],
  masquerade: [`${DOCKER}bridge.enable_ip_masquerade`],
  hostBinding: [`${DOCKER}bridge.host_binding_ipv4`],
  devicePrefix: [`${DOCKER}container_iface_prefix`, `${DOCKER}container_interface_prefix`],
  egress: ['egress'],
} as const;

/** Pure. Throws BAD_REQUEST, EGRESS_INVALID. */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const of = (name: keyof typeof known): string | undefined => known[name].map((key) => options[key]).find((value) => value !== undefined);
  const [bridge, mtu, hostBinding, devicePrefix, egress] = [of('bridge'), of('mtu'), of('hostBinding'), of('devicePrefix'), of('egress')];
  if (bridge !== undefined) check(isDeviceName(bridge), known.bridge[0], bridge, 'a name of a network device: at most 15 of [a-zA-Z0-9_.-]');
  if (mtu !== undefined) check(/^\d{2,5}$/.test(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65535, known.mtu[0], mtu, 'a number from 68 to 65535');
  if (hostBinding !== undefined) check(isIPv4(hostBinding), known.hostBinding[0], hostBinding, 'an IPv4 address');
  if (devicePrefix !== undefined) check(/^[a-zA-Z][a-zA-Z0-9_-]{0,10}$/.test(devicePrefix), known.devicePrefix[0], devicePrefix, 'at most 11 of [a-zA-Z0-9_-]');
  return {
    ...(bridge === undefined ? {} : { bridge }),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    icc: flag(known.icc[0], of('icc')),
    masquerade: flag(known.masquerade[0], of('masquerade')),
    ...(hostBinding === undefined || hostBinding === '0.0.0.0' ? {} : { hostBinding }),
    devicePrefix: devicePrefix ?? 'eth',
    ...(egress === undefined ? {} : { egress: parseEgress(egress) }),
  };
}

/** The options that this version does not act on. Pure. */
export function unknownOptions(options: Readonly<Record<string, string>>): string[] {
  const all = new Set<string>([...Object.values(known).flat(), `${DOCKER}bridge.default_bridge`]);
  return Object.keys(options).filter((key) => !all.has(key));
}

function flag(key: string, value: string | undefined): boolean {
  if (value !== undefined) check(/^(true|false|1|0|t|f)$/i.test(value), key, value, 'true or false');
  return value === undefined || /^(true|1|t)$/i.test(value);
}

function isDeviceName(name: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(name) && !['all', 'default', 'lo'].includes(name);
}

function check(holds: boolean, key: string, value: string, wanted: string): void {
  if (!holds) throw badRequest({ what: `option ${key}`, detail: `"${value}" is not ${wanted}` });
}
