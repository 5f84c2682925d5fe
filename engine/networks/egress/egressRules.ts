/** The part of the table that belongs to networks with an allow-list; see ruleset.ts. Pure. */

export interface RulesetEgress {
  readonly four: readonly string[];
  readonly six: readonly string[];
  /** Addresses that allowed names had, and for how much longer they may be reached. */
  readonly learned: ReadonlyArray<{ readonly address: string; readonly seconds: number }>;
}

export interface EgressNetwork {
  readonly bridge: string;
  readonly egress?: RulesetEgress;
  readonly names?: { readonly address: string; readonly port: number };
}

/** What was refused, each counted: who, where to, how, and the port where there is one. */
export const refusedSets = ['refused4', 'refused6', 'refused4_other', 'refused6_other'] as const;

/** Bounded: who tries every port of every address must not fill the kernel's memory, nor the engine's time. */
const KEEP = 'flags dynamic,timeout; timeout 5m; size 4096; counter;';

export function namedSet(bridge: string, family: 4 | 6): string {
  return `named${family}_${bridge}`;
}

export function egressSets(networks: readonly EgressNetwork[]): string[] {
  const restricted = networks.flatMap(({ bridge, egress }) => (egress ? [{ bridge, egress }] : []));
  if (restricted.length === 0) return [];
  const elements = (items: readonly string[]): string => (items.length === 0 ? '' : `elements = { ${items.join(', ')} };`);
  return [
    `set refused4 { type ifname . ipv4_addr . ipv4_addr . inet_proto . inet_service; ${KEEP} }`,
    `set refused6 { type ifname . ipv6_addr . ipv6_addr . inet_proto . inet_service; ${KEEP} }`,
    `set refused4_other { type ifname . ipv4_addr . ipv4_addr . inet_proto; ${KEEP} }`,
    `set refused6_other { type ifname . ipv6_addr . ipv6_addr . inet_proto; ${KEEP} }`,
    ...restricted.flatMap(({ bridge, egress: { four, six, learned } }) => [
      `set allow4_${bridge} { type ipv4_addr; flags interval; auto-merge; ${elements(four)} }`,
      `set allow6_${bridge} { type ipv6_addr; flags interval; auto-merge; ${elements(six)} }`,
      `set ${namedSet(bridge, 4)} { type ipv4_addr; flags timeout; ${elements(timed(learned.filter(({ address }) => !address.includes(':'))))} }`,
      `set ${namedSet(bridge, 6)} { type ipv6_addr; flags timeout; ${elements(timed(learned.filter(({ address }) => address.includes(':'))))} }`,
    ]),
  ];
}

/** Of a packet that was redirected (a published port) it counts where it was sent to. */
export function egressChains(networks: readonly EgressNetwork[]): string[] {
  const restricted = networks.filter(({ egress }) => egress);
  if (restricted.length === 0) return [];
  return [
    'chain refused {',
    'meta nfproto ipv4 meta l4proto { tcp, udp } update @refused4 { iifname . ip saddr . ip daddr . meta l4proto . th dport }',
    'meta nfproto ipv6 meta l4proto { tcp, udp } update @refused6 { iifname . ip6 saddr . ip6 daddr . meta l4proto . th dport }',
    'meta nfproto ipv4 meta l4proto != { tcp, udp } update @refused4_other { iifname . ip saddr . ip daddr . meta l4proto }',
    'meta nfproto ipv6 meta l4proto != { tcp, udp } update @refused6_other { iifname . ip6 saddr . ip6 daddr . meta l4proto }',
    'meta l4proto tcp reject with tcp reset', 'reject with icmpx admin-prohibited', '}',
    ...restricted.flatMap(({ bridge, names }) => [
      `chain leaving_${bridge} {`, 'ct state established,related accept',
      ...([4, 6] as const).flatMap((family) => ['allow', 'named'].map((kind) => `ct original ${family === 4 ? 'ip' : 'ip6'} daddr @${kind}${family}_${bridge} return`)),
      'goto refused', '}',
      // The host itself is outside too, but for who answers for names and what finds neighbours.
      `chain asking_${bridge} {`,
      ...(names ? [`ip daddr ${names.address} meta l4proto { tcp, udp } th dport ${names.port} accept`] : []),
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept', 'meta pkttype { broadcast, multicast } drop',
      `goto leaving_${bridge}`, '}',
    ]),
    'chain input {', 'type filter hook input priority filter; policy accept;', ...restricted.map(({ bridge }) => `iifname "${bridge}" jump asking_${bridge}`), '}',
  ];
}

/** For the chain of forwarding, before anything there is accepted. */
export function egressForward(networks: readonly EgressNetwork[]): string[] {
  return networks.filter(({ egress }) => egress).map(({ bridge }) => `iifname "${bridge}" oifname != "${bridge}" jump leaving_${bridge}`);
}

/** Lets addresses be reached for a time, from now on; one that is there already gets the new time, on kernels that would leave the old one too. */
export function learnedText(table: string, bridge: string, learned: RulesetEgress['learned']): string {
  return learned
    .flatMap(({ address, seconds }) => {
      const set = `inet ${table} ${namedSet(bridge, address.includes(':') ? 6 : 4)}`;
      return [`add element ${set} { ${address} }`, `delete element ${set} { ${address} }`, `add element ${set} { ${address} timeout ${seconds}s }`];
    })
    .map((line) => `${line}\n`)
    .join('');
}

function timed(learned: RulesetEgress['learned']): string[] {
  return learned.map(({ address, seconds }) => `${address} timeout ${seconds}s`);
}
