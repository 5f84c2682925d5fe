import { readFile, readdir, writeFile } from 'node:fs/promises';
import { hostToolMissing, systemCode } from '../base/errors.ts';
import { run } from './process.ts';

const FORWARD = '/proc/sys/net/ipv4/ip_forward';

/** Turns IPv4 forwarding on, as every container engine does; it stays on, because others may have come to rely on it. */
export async function enableForwarding(): Promise<void> {
  if ((await readFile(FORWARD, 'utf8')).trim() !== '1') await writeFile(FORWARD, '1');
}

const SIX = '/proc/sys/net/ipv6/conf';

/** Whether this host's kernel has IPv6. */
export async function hasIpv6(): Promise<boolean> {
  return readFile(`${SIX}/all/forwarding`).then(() => true, () => false);
}

/**
 * The same for IPv6. A host that forwards no longer listens to router advertisements, unless told to do both: devices that get their addresses
 * and their way out by those must keep them.
 */
export async function enableForwarding6(): Promise<void> {
  if ((await readFile(`${SIX}/all/forwarding`, 'utf8')).trim() !== '0') return;
  for (const device of await readdir(SIX)) {
    const path = `${SIX}/${device}/accept_ra`;
    if (device !== 'all' && device !== 'lo' && (await readFile(path, 'utf8').catch(() => '')).trim() === '1') await writeFile(path, '2').catch(() => undefined);
  }
  await writeFile(`${SIX}/all/forwarding`, '1');
}

/**
 * A bridge whose IPv6 addresses are good at once: the kernel would wait for a neighbour to object, and until then answer nobody. Nobody advertises
 * routes to this host there.
 */
export async function prepareBridge6(bridge: string): Promise<void> {
  for (const [name, value] of [['disable_ipv6', '0'], ['accept_dad', '0'], ['dad_transmits', '0'], ['accept_ra', '0'], ['addr_gen_mode', '1']]) await writeFile(`${SIX}/${bridge}/${name}`, value ?? '');
}

/** A bridge without IPv6: what containers send there by it (router advertisements above all) is nothing to this host. */
export async function disableBridge6(bridge: string): Promise<void> {
  await writeFile(`${SIX}/${bridge}/disable_ipv6`, '1').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error; // a kernel without IPv6
  });
}

/**
 * Lets packets from 127.0.0.1 leave by `bridge` (they are masqueraded on the way out): published ports on the host's loopback. And has the host
 * answer there for its addresses on that bridge only, not for those in other networks.
 */
export async function prepareBridge4(bridge: string): Promise<void> {
  for (const [name, value] of [['route_localnet', '1'], ['arp_ignore', '1']]) await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/${name}`, value ?? '');
}

/** A bridge; with `gateway` its containers ask this host at that address, by ports that are redirected (names). */
export interface PassedBridge {
  readonly bridge: string;
  readonly gateway?: string;
  /** Its containers have IPv6 addresses. */
  readonly six?: boolean;
}

interface PassRule {
  readonly program: 'iptables' | 'ip6tables';
  readonly chain: 'FORWARD' | 'INPUT';
  /** In the order in which `iptables -S` prints it. */
  readonly match: readonly string[];
}

/**
 * Where iptables' FORWARD chain drops by default (dockerd sets that), or INPUT (ufw does), an accept in a table of ours does not help: every base
 * chain must let a packet pass. Then accept rules for a bridge go to the head of iptables' own chains, by iptables itself so that its
 * tables stay readable to it. On hosts without such a policy it changes nothing.
 */
export async function passIptables(passed: readonly PassedBridge[]): Promise<void> {
  const rules = passed.flatMap(passRules);
  const chains = await listChains(rules);
  const wanted = rules.filter((rule) => chains.get(placeOf(rule))?.includes(`-P ${rule.chain} DROP`));
  for (const rule of wanted) if (!isIn(chains, rule)) await run(rule.program, ['-w', '-I', rule.chain, ...rule.match, '-j', 'ACCEPT'], { okStatus: 'any' });
}

/** Takes back what `passIptables` added. */
export async function unpassIptables(passed: readonly PassedBridge[]): Promise<void> {
  const rules = passed.flatMap(passRules);
  const chains = await listChains(rules);
  for (const rule of rules) if (isIn(chains, rule)) await run(rule.program, ['-w', '-D', rule.chain, ...rule.match, '-j', 'ACCEPT'], { okStatus: 'any' });
}

function passRules({ bridge, gateway, six }: PassedBridge): PassRule[] {
  const forward = (program: PassRule['program']): PassRule[] => [
    { program, chain: 'FORWARD', match: ['-i', bridge] },
    { program, chain: 'FORWARD', match: ['-o', bridge] },
  ];
  return [
    ...forward('iptables'),
    ...(six ? forward('ip6tables') : []),
    ...(gateway === undefined ? [] : [{ program: 'iptables' as const, chain: 'INPUT' as const, match: ['-d', `${gateway}/32`, '-i', bridge, '-m', 'conntrack', '--ctstate', 'DNAT'] }]),
  ];
}

function placeOf({ program, chain }: PassRule): string {
  return `${program} ${chain}`;
}

function isIn(chains: ReadonlyMap<string, string>, rule: PassRule): boolean {
  return chains.get(placeOf(rule))?.includes(`-A ${rule.chain} ${rule.match.join(' ')} -j ACCEPT`) ?? false;
}

/** What the chains of these rules hold; nothing of those that cannot be read. */
async function listChains(rules: readonly PassRule[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [place, { program, chain }] of new Map(rules.map((rule) => [placeOf(rule), rule]))) {
    try {
      const { status, stdout } = await run(program, ['-w', '-S', chain], { okStatus: 'any' });
      if (status === 0) found.set(place, stdout);
    } catch (error) {
      if (!hostToolMissing.is(error)) throw error;
    }
  }
  return found;
}
