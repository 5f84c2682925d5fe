import { readFile, writeFile } from 'node:fs/promises';
import type { Container } from './container.ts';
import { hostsFile, resolvConfFile } from './etcFiles.ts';
import type { Joined } from './joining.ts';
import type { Networks } from './ports.ts';

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
  const endpoint = joined.endpoint ?? { ip: '', gateway: '' };
  await Promise.all([
    writeFile(paths.hosts, hostsFile({ hostname, domainname: config.Domainname ?? '', endpoint, extraHosts: host.ExtraHosts ?? [], ...(base === undefined ? {} : { base }) }), { mode: 0o644 }),
    writeFile(paths.hostname, `${hostname}\n`, { mode: 0o644 }),
    writeFile(paths.resolvConf, resolvConfFile(networks.resolvConf(onHost ? 'host' : 'bridge'), host), { mode: 0o644 }),
  ]);
  return paths;
}
