import { egressChains, egressForward, egressSets } from './egress/egressRules.ts';
import type { RulesetEgress } from './egress/egressRules.ts';

/**
 * The text of Berth's nft table. The whole table is written anew, in one transaction, when networks change; ports come and go
 * as map elements. Pure.
 */

export interface RulesetNetwork {
  readonly bridge: string;
  readonly subnet: string;
  /** Empty or absent: no IPv6. */
  readonly subnet6?: string;
  /** Its containers reach each other and this host, and nothing else. */
  readonly internal?: boolean;
  /** Its names are asked for at `address`, port 53. */
  readonly names?: NameServer;
  /** What leaves the host does so under its own address. */
  readonly bare?: boolean;
  /** Its containers do not reach each other. */
  readonly apart?: boolean;
  /** What may be reached outside of it; absent: everything. */
  readonly egress?: RulesetEgress;
}

export interface NameServer {
  readonly address: string;
  /** Where the engine listens. */
  readonly port: number;
  /** Who is asked while no engine runs; only with `failover`. */
  readonly upstream?: string;
}

/** Marks the first packet of a question that an engine is there to answer, on its way through this host's hooks. One bit, so that others' masks hold. */
const ENGINE_ANSWERS = '0x10000000';

export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  /** `0.0.0.0`: every IPv4 address of the host; `::`: every IPv6 address. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly ip: string;
  readonly containerPort: number;
}

export function tableName(instance: string): string {
  return instance === 'berth' ? 'berth' : `berth-${instance}`;
}

/** Replaces the table as a whole. `failover`: the kernel can tell whether somebody listens (nft's `socket`). */
export function rulesetText(table: string, networks: readonly RulesetNetwork[], forwards: readonly Forward[], failover = true): string {
  return [`add table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`, ...sets(networks), ...egressSets(networks), ...(failover ? nameChains(networks) : []), ...egressChains(networks), ...chains(networks, failover), '}', ...elements('add', table, forwards), ''].join('\n');
}

/** Adds or removes published ports. */
export function forwardsText(verb: 'add' | 'delete', table: string, forwards: readonly Forward[]): string {
  return [...elements(verb, table, forwards), ''].join('\n');
}

function sets(networks: readonly RulesetNetwork[]): string[] {
  const list = (items: readonly string[]): string => (items.length === 0 ? '' : `elements = { ${items.join(', ')} };`);
  return [
    `set bridges { type ifname; ${list(networks.map(({ bridge }) => `"${bridge}"`))} }`,
    ...[{ name: '', of: networks }, { name: 'masked_', of: networks.filter(({ bare }) => !bare) }].flatMap(({ name, of }) => [
      `set ${name}subnets { type ipv4_addr; flags interval; ${list(of.map(({ subnet }) => subnet))} }`,
      `set ${name}subnets6 { type ipv6_addr; flags interval; ${list(of.flatMap(({ subnet6 }) => subnet6 || []))} }`,
    ]),
    ...(['tcp', 'udp'] as const).flatMap((protocol) => (['', '6'] as const).flatMap((six) => {
      const address = six === '' ? 'ipv4_addr' : 'ipv6_addr';
      return [`map ${protocol}${six}_any { type inet_service : ${address} . inet_service; }`, `map ${protocol}${six}_one { type ${address} . inet_service : ${address} . inet_service; }`];
    })),
  ];
}

/**
 * Port 53 of a gateway leads to the engine's socket (on another port, so that it is in nobody's way), and when there is no such socket, the engine
 * being gone, to the host's resolver: names from outside go on, at once and without a second server in resolv.conf. Whether the socket is there the
 * kernel tells by the packet's own port, so that is changed, looked at, and changed back, before anything else sees the packet.
 */
function nameChains(networks: readonly RulesetNetwork[]): string[] {
  const named = networks.flatMap(({ bridge, names }) => (names ? [{ bridge, names }] : []));
  if (named.length === 0) return [];
  const look = (chain: string, protocol: string): string[] => [`chain ${chain} {`, `socket wildcard 0 meta mark set ${ENGINE_ANSWERS}`, `${protocol} dport set 53`, '}'];
  return [
    ...look('look_udp', 'udp'), ...look('look_tcp', 'tcp'),
    'chain names {', 'type filter hook prerouting priority -350; policy accept;',
    ...named.flatMap(({ bridge, names: { address, port } }) => [
      `iifname "${bridge}" ip daddr ${address} udp dport 53 udp dport set ${port} goto look_udp`,
      `iifname "${bridge}" ip daddr ${address} tcp dport 53 tcp flags & (syn | ack) == syn tcp dport set ${port} goto look_tcp`,
    ]),
    '}',
    // Routing rules of others by marks must not see ours.
    'chain named {', 'type filter hook prerouting priority -99; policy accept;', `iifname @bridges meta mark ${ENGINE_ANSWERS} meta mark set 0`, '}',
  ];
}

function nameRules(networks: readonly RulesetNetwork[], failover: boolean): string[] {
  return networks.flatMap(({ bridge, names }) => {
    if (!names) return [];
    const asked = `iifname "${bridge}" ip daddr ${names.address} meta l4proto { tcp, udp } th dport 53`;
    if (!failover) return [`${asked} redirect to :${names.port}`];
    return [`${asked} meta mark ${ENGINE_ANSWERS} redirect to :${names.port}`, ...(names.upstream === undefined ? [] : [`${asked} dnat ip to ${names.upstream}`])];
  });
}

function chains(networks: readonly RulesetNetwork[], failover: boolean): string[] {
  return [
    // route_localnet on the bridges and DNAT for 127.0.0.1 must not open the host's loopback to containers or neighbours.
    'chain guard {', 'type filter hook prerouting priority raw; policy accept;', 'iifname != "lo" ip daddr 127.0.0.0/8 drop',
    // Who answers for names is there for the network's own containers.
    ...networks.flatMap(({ bridge, names }) => (names ? [`iifname != "${bridge}" ip daddr ${names.address} meta l4proto { tcp, udp } th dport ${names.port} drop`] : [])), '}',
    'chain published {', ...publishedRules('ip', ''), '}', 'chain published6 {', ...publishedRules('ip6', '6'), '}',
    'chain prerouting {', 'type nat hook prerouting priority dstnat; policy accept;', ...nameRules(networks, failover), ...toPublished, '}',
    'chain output {', 'type nat hook output priority -100; policy accept;', ...toPublished, '}',
    'chain postrouting {', 'type nat hook postrouting priority srcnat; policy accept;',
    // The host's loopback, and a container that reaches a neighbour by its published port: answers must come back here.
    'oifname @bridges ip saddr 127.0.0.0/8 masquerade', 'oifname @bridges ct status dnat ip saddr @subnets masquerade',
    'oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade',
    'oifname != @bridges ip saddr @masked_subnets masquerade', 'oifname != @bridges ip6 saddr @masked_subnets6 masquerade', '}',
    'chain forward {', 'type filter hook forward priority filter; policy accept;',
    // Having no default route is not enough: with CAP_NET_RAW a container can send a packet to the bridge all the same.
    ...networks.filter(({ internal }) => internal).flatMap(({ bridge }) => [`iifname "${bridge}" oifname != "${bridge}" drop`, `oifname "${bridge}" iifname != "${bridge}" drop`]),
    ...egressForward(networks),
    'oifname @bridges ct state established,related accept', 'oifname @bridges ct status dnat accept',
    ...networks.map(({ bridge, apart }) => `iifname "${bridge}" oifname "${bridge}" ${apart ? 'drop' : 'accept'}`),
    // Networks are kept apart, and unpublished ports are not reachable from other machines.
    'oifname @bridges drop', 'iifname @bridges accept', '}',
  ];
}

function publishedRules(ip: 'ip' | 'ip6', six: '' | '6'): string[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) => [`dnat ${ip} to ${ip} daddr . ${protocol} dport map @${protocol}${six}_one`, `dnat ${ip} to ${protocol} dport map @${protocol}${six}_any`]);
}

/** The kernel lets nothing that comes from ::1 leave a host: the engine's own socket passes that on. */
const toPublished = ['meta nfproto ipv4 fib daddr type local jump published', 'meta nfproto ipv6 ip6 daddr != ::1 fib daddr type local jump published6'];

function elements(verb: 'add' | 'delete', table: string, forwards: readonly Forward[]): string[] {
  return forwards.map((forward) => {
    const six = forward.hostIp.includes(':') ? '6' : '';
    const any = forward.hostIp === '0.0.0.0' || forward.hostIp === '::';
    const key = any ? String(forward.hostPort) : `${forward.hostIp} . ${forward.hostPort}`;
    const target = verb === 'add' ? ` : ${forward.ip} . ${forward.containerPort}` : '';
    return `${verb} element inet ${table} ${forward.protocol}${six}_${any ? 'any' : 'one'} { ${key}${target} }`;
  });
}
