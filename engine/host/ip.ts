import { access, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { run } from './process.ts';

/** iproute2. One `ip -batch -` does many changes for the price of one process. */

/**
 * Runs `lines` (each an `ip` command without the `ip`) in order and stops at the first that fails.
 * `netns`: inside that named namespace. `force`: goes on after failures and reports none, for clean-up.
 */
export async function ipBatch(lines: readonly string[], options: { readonly netns?: string; readonly force?: boolean } = {}): Promise<void> {
  if (lines.length === 0) return;
  if (lines.some((line) => /[\r\n]/.test(line))) throw new Error('a command of an ip batch has more than one line');
  const where = options.netns === undefined ? [] : ['-n', options.netns];
  await run('ip', [...where, ...(options.force ? ['-force'] : []), '-batch', '-'], { input: `${lines.join('\n')}\n`, ...(options.force ? { okStatus: 'any' as const } : {}) });
}

const routeSchema = z.array(z.looseObject({ dst: z.string(), dev: z.string().optional(), type: z.string().optional() }));

export interface HostRoute {
  /** `default`, an address or a CIDR. */
  readonly dst: string;
  readonly dev: string | undefined;
}

/** Every route of every table, IPv4 unless said otherwise, without local, broadcast and link-local entries. */
export async function listRoutes(family: 4 | 6 = 4): Promise<readonly HostRoute[]> {
  const { stdout } = await run('ip', ['-j', `-${family}`, 'route', 'show', 'table', 'all']);
  return routeSchema
    .parse(JSON.parse(stdout || '[]'))
    .filter((route) => (route.type === undefined || route.type === 'unicast') && !route.dst.startsWith('fe80:'))
    .map(({ dst, dev }) => ({ dst, dev }));
}

/** Whether this host has a network device of this name. */
export async function linkExists(name: string): Promise<boolean> {
  return access(`/sys/class/net/${name}`).then(() => true, () => false);
}

const linkSchema = z.array(z.looseObject({ ifname: z.string().optional(), ifalias: z.string().optional() }));

/** Names of the interfaces enslaved to a bridge; empty when there is no such bridge. */
export async function listBridgePorts(bridge: string): Promise<readonly string[]> {
  const { stdout, status } = await run('ip', ['-j', 'link', 'show', 'master', bridge], { okStatus: 'any' });
  if (status !== 0) return [];
  return linkSchema.parse(JSON.parse(stdout.trim() || '[]')).flatMap((link) => (link.ifname === undefined ? [] : [link.ifname]));
}

/** All bridges of this network namespace, with what they say of themselves. */
export async function listBridges(): Promise<ReadonlyArray<{ readonly name: string; readonly alias: string }>> {
  const { stdout } = await run('ip', ['-j', 'link', 'show', 'type', 'bridge']);
  return linkSchema.parse(JSON.parse(stdout.trim() || '[]')).flatMap(({ ifname, ifalias = '' }) => (ifname === undefined ? [] : [{ name: ifname, alias: ifalias }]));
}

/** Names of all interfaces of this network namespace. */
export async function listLinks(): Promise<ReadonlySet<string>> {
  const { stdout } = await run('ip', ['-j', 'link', 'show']);
  return new Set(linkSchema.parse(JSON.parse(stdout.trim() || '[]')).flatMap(({ ifname }) => ifname ?? []));
}

/** The MTU of the interface that leads out of the host, at most 1500: what a packet from a container must fit through. */
export async function uplinkMtu(routes: readonly HostRoute[]): Promise<number> {
  const dev = routes.find((route) => route.dst === 'default')?.dev;
  if (dev === undefined) return 1500;
  const mtu = Number(await readFile(`/sys/class/net/${dev}/mtu`, 'utf8').catch(() => '1500'));
  return mtu >= 576 && mtu < 1500 ? mtu : 1500;
}
