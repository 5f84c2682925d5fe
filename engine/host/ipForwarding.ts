import { readFile, writeFile } from 'node:fs/promises';
import { hostToolMissing } from '../base/errors.ts';
import { run } from './process.ts';

const FORWARD = '/proc/sys/net/ipv4/ip_forward';

/** Turns IPv4 forwarding on, as every container engine does; it stays on, because others may have come to rely on it. */
export async function enableForwarding(): Promise<void> {
  if ((await readFile(FORWARD, 'utf8')).trim() !== '1') await writeFile(FORWARD, '1');
}

/** Lets packets from 127.0.0.1 leave by `device` (they are masqueraded on the way out): published ports on the host's loopback. */
export async function allowLoopbackSource(device: string): Promise<void> {
  await writeFile(`/proc/sys/net/ipv4/conf/${device}/route_localnet`, '1');
}

/** A bridge; with `gateway` its containers ask this host at that address, by ports that are redirected (names). */
export interface PassedBridge {
  readonly bridge: string;
  readonly gateway?: string;
}

interface PassRule {
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
  const wanted = rules.filter(({ chain }) => chains.get(chain)?.includes(`-P ${chain} DROP`));
  for (const rule of wanted) if (!isIn(chains, rule)) await run('iptables', ['-w', '-I', rule.chain, ...rule.match, '-j', 'ACCEPT'], { okStatus: 'any' });
}

/** Takes back what `passIptables` added. */
export async function unpassIptables(passed: readonly PassedBridge[]): Promise<void> {
  const rules = passed.flatMap(passRules);
  const chains = await listChains(rules);
  for (const rule of rules) if (isIn(chains, rule)) await run('iptables', ['-w', '-D', rule.chain, ...rule.match, '-j', 'ACCEPT'], { okStatus: 'any' });
}

function passRules({ bridge, gateway }: PassedBridge): PassRule[] {
  return [
    { chain: 'FORWARD', match: ['-i', bridge] },
    { chain: 'FORWARD', match: ['-o', bridge] },
    ...(gateway === undefined ? [] : [{ chain: 'INPUT' as const, match: ['-d', `${gateway}/32`, '-i', bridge, '-m', 'conntrack', '--ctstate', 'DNAT'] }]),
  ];
}

function isIn(chains: ReadonlyMap<string, string>, { chain, match }: PassRule): boolean {
  return chains.get(chain)?.includes(`-A ${chain} ${match.join(' ')} -j ACCEPT`) ?? false;
}

/** What the chains of these rules hold; nothing of those that cannot be read. */
async function listChains(rules: readonly PassRule[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const chain of new Set(rules.map((rule) => rule.chain))) {
    try {
      const { status, stdout } = await run('iptables', ['-w', '-S', chain], { okStatus: 'any' });
      if (status === 0) found.set(chain, stdout);
    } catch (error) {
      if (hostToolMissing.is(error)) break;
      throw error;
    }
  }
  return found;
}
