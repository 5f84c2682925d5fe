import type { ContainerInspect } from '../../api/docker/containerView.ts';
import { configFileLabel, localFolderLabel } from '../config/devcontainerId.ts';
import type { PortSource } from './containerPorts.ts';

/** What the ports of a running container depend on, from Docker's view of it. */
export function portSource(details: ContainerInspect): PortSource {
  const labels = details.Config.Labels ?? {};
  const published = Object.entries(details.NetworkSettings.Ports).flatMap(([key, bindings]) => {
    const [binding] = bindings ?? [];
    const host = binding?.HostIp === '' || binding?.HostIp === '0.0.0.0' ? '127.0.0.1' : binding?.HostIp;
    return host !== undefined && key.endsWith('/tcp') ? [[Number.parseInt(key, 10), { host, port: Number(binding?.HostPort) }] as const] : [];
  });
  return {
    id: details.Id,
    name: details.Name.replace(/^\//, ''),
    folder: labels[localFolderLabel] ?? '',
    configFile: labels[configFileLabel] ?? '',
    pid: details.State.Pid,
    ip: Object.values(details.NetworkSettings.Networks).map(({ IPAddress }) => IPAddress ?? '').find((address) => address !== '') ?? '',
    published: new Map(published),
    hosts: details.HostsPath,
    resolvConf: details.ResolvConfPath,
  };
}
