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

/**
 * Where iptables' FORWARD chain drops by default (dockerd sets that), an accept in a table of ours does not help: every base chain
 * must let a packet pass. Then two accept rules a bridge go to the head of iptables' own FORWARD, by iptables itself so
 * that its tables stay readable to it. Returns whether rules are in place. On hosts without such a policy it changes nothing.
 */
export async function passIptablesForward(bridge: string): Promise<boolean> {
  const chain = await listForward();
  if (chain === undefined || !/^-P FORWARD DROP/m.test(chain)) return false;
  for (const match of forwardMatches(bridge)) {
    if (!chain.includes(`-A FORWARD ${match.join(' ')} -j ACCEPT`)) await run('iptables', ['-w', '-I', 'FORWARD', ...match, '-j', 'ACCEPT'], { okStatus: 'any' });
  }
  return true;
}

/** Takes back what `passIptablesForward` added. */
export async function unpassIptablesForward(bridge: string): Promise<void> {
  const chain = await listForward();
  for (const match of forwardMatches(bridge)) {
    if (chain?.includes(`-A FORWARD ${match.join(' ')} -j ACCEPT`)) await run('iptables', ['-w', '-D', 'FORWARD', ...match, '-j', 'ACCEPT'], { okStatus: 'any' });
  }
}

function forwardMatches(bridge: string): readonly (readonly string[])[] {
  return [
    ['-i', bridge],
    ['-o', bridge],
  ];
}

async function listForward(): Promise<string | undefined> {
  try {
    const { status, stdout } = await run('iptables', ['-w', '-S', 'FORWARD'], { okStatus: 'any' });
    return status === 0 ? stdout : undefined;
  } catch (error) {
    if (hostToolMissing.is(error)) return undefined;
    throw error;
  }
}
