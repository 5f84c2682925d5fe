import { chown, readFile, writeFile } from 'node:fs/promises';
import type { Container } from './container.ts';
import { hostsFile, ownHosts, resolvConfFile } from './etcFiles.ts';
import type { Joined } from './joining.ts';
import { rootOf } from './ownIds.ts';
import type { Networks } from './ports.ts';
import type { ContainerRecord } from './record.ts';

export interface EtcPaths {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** Writes a container's hosts, hostname and resolv.conf; one that shares another's network shares its files. */
export async function writeEtcFiles(networks: Networks, { record, paths }: Container, joined: Joined, hostname: string): Promise<EtcPaths> {
  if (joined.networkOf) return joined.networkOf.paths;
  const { hostConfig: host, config } = record;
  const onHost = record.network.mode === 'host';
  const base = onHost ? await readFile('/etc/hosts', 'utf8').catch(() => undefined) : undefined;
  const endpoints = networks.endpoints(record.id);
  await Promise.all([
    writeFile(paths.hosts, hostsFile({ hostname, domainname: config.Domainname ?? '', endpoints, extraHosts: host.ExtraHosts ?? [], links: joined.links ?? [], ...(base === undefined ? {} : { base }) }), { mode: 0o644 }),
    writeFile(paths.hostname, `${hostname}\n`, { mode: 0o644 }),
    writeFile(paths.resolvConf, resolvConfText(networks, record), { mode: 0o644 }),
  ]);
  // Root of the container's user namespace may write them, as any root may.
  const root = rootOf(record);
  if (root.uid !== 0 || root.gid !== 0) for (const path of [paths.hosts, paths.hostname, paths.resolvConf]) await chown(path, root.uid, root.gid);
  return paths;
}

/** A container's resolv.conf, by the networks it is in now. Where those resolve names, `--dns` says whom they ask for what they do not know. */
export function resolvConfText(networks: Networks, { id, hostConfig, network }: ContainerRecord): string {
  const base = networks.resolvConf(network.mode === 'host' ? 'host' : 'bridge', id);
  if (!networks.resolvesNames(id) || serversForNetwork(hostConfig.Dns).length < (hostConfig.Dns ?? []).length) return resolvConfFile(base, hostConfig);
  const options = hostConfig.DnsOptions ?? [];
  return resolvConfFile(base, { ...hostConfig, Dns: [], DnsOptions: options.length === 0 || options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:0'] });
}

/** The servers of `--dns` that a network can ask; one on loopback is in the container, which then asks it itself. */
export function serversForNetwork(dns: readonly string[] | null | undefined): string[] {
  return (dns ?? []).filter((server) => !server.startsWith('127.') && server !== '::1');
}

/** Does what changes a running container's networks; its files follow, resolv.conf unless somebody has written another one. */
export async function keepEtcFiles(networks: Networks, { record, paths }: Container, change: () => Promise<void>): Promise<void> {
  const look = () => ({ resolvConf: resolvConfText(networks, record), hosts: ownHosts({ hostname: record.config.Hostname ?? '', domainname: record.config.Domainname ?? '', endpoints: networks.endpoints(record.id) }) });
  const before = look();
  await change();
  const after = look();
  // Written in place: the container has these very files mounted.
  const hosts = await readFile(paths.hosts, 'utf8').catch(() => undefined);
  if (hosts !== undefined) await writeFile(paths.hosts, `${[...hosts.trimEnd().split('\n').filter((line) => !before.hosts.includes(line)), ...after.hosts].join('\n')}\n`);
  if (after.resolvConf !== before.resolvConf && (await readFile(paths.resolvConf, 'utf8').catch(() => '')) === before.resolvConf) await writeFile(paths.resolvConf, after.resolvConf);
}
