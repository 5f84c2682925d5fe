import { toContainerState } from '../model/containerState.ts';
import type { Container, Port } from '../model/containerState.ts';
import type { ContainerDetails, ContainerRow } from './container.ts';

type PortRow = NonNullable<ContainerRow['Ports']>[number];

/** A row of the engine's list as the views know a container. */
export function toContainer(row: ContainerRow): Container {
  return {
    id: row.Id,
    name: (row.Names?.[0] ?? row.Id.slice(0, 12)).replace(/^\//, ''),
    image: row.Image,
    state: toContainerState(row.State),
    created: row.Created,
    ports: publishedPorts(row.Ports ?? []),
    labels: row.Labels ?? {},
  };
}

/** An inspected container as the views know it: the same as its row in the list. */
export function detailsToContainer(details: ContainerDetails): Container {
  const ports = Object.entries(details.NetworkSettings?.Ports ?? {}).flatMap(([key, bindings]) => {
    const [port = '', protocol = 'tcp'] = key.split('/');
    return (bindings ?? []).map((binding) => ({ PrivatePort: Number(port), PublicPort: Number(binding.HostPort), Type: protocol, ...(binding.HostIp === undefined ? {} : { IP: binding.HostIp }) }));
  });
  return {
    id: details.Id,
    name: details.Name.replace(/^\//, ''),
    image: details.Config.Image,
    state: toContainerState(details.State.Status),
    created: Math.floor(Date.parse(details.Created) / 1000),
    ports: publishedPorts(ports),
    labels: details.Config.Labels ?? {},
  };
}

/** A port published for IPv4 and IPv6 is one port. */
function publishedPorts(rows: readonly PortRow[]): Port[] {
  const ports = new Map<string, Port>();
  for (const row of rows) {
    if (row.PublicPort === undefined || row.PublicPort === 0) continue;
    const protocol = row.Type ?? 'tcp';
    const key = `${row.PublicPort}:${row.PrivatePort}/${protocol}`;
    if (!ports.has(key)) ports.set(key, { privatePort: row.PrivatePort, publicPort: row.PublicPort, protocol, address: row.IP ?? '' });
  }
  return [...ports.values()].sort((a, b) => a.publicPort - b.publicPort);
}
