import { toContainerState } from '../model/containerState.ts';
import type { Container, Port } from '../model/containerState.ts';
import type { ContainerRow } from './container.ts';

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

/** A port published for IPv4 and IPv6 is one port. */
function publishedPorts(rows: NonNullable<ContainerRow['Ports']>): Port[] {
  const ports = new Map<string, Port>();
  for (const row of rows) {
    if (row.PublicPort === undefined || row.PublicPort === 0) continue;
    const protocol = row.Type ?? 'tcp';
    const key = `${row.PublicPort}:${row.PrivatePort}/${protocol}`;
    if (!ports.has(key)) ports.set(key, { privatePort: row.PrivatePort, publicPort: row.PublicPort, protocol, address: row.IP ?? '' });
  }
  return [...ports.values()].sort((a, b) => a.publicPort - b.publicPort);
}
