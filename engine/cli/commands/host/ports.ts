import type { Command } from 'commander';
import { z } from 'zod';
import { containerSummarySchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import type { RemoteHosts } from './remoteHosts.ts';

interface Row {
  readonly name: string;
  readonly containerPort: number;
  readonly address: string;
}

/** `berth host ports`. */
export function registerHostPorts(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('ports [name]')
    .description("list the ports of a host's containers (default: the chosen host), and where this machine reaches them")
    .option('--json', 'print JSON', false)
    .action(async (name: string | undefined, options: { json: boolean }) => {
      const rows = await portsOf(context, remote, name ?? context.host);
      if (options.json) context.stdout.write(`${JSON.stringify(rows)}\n`);
      else context.stdout.write(formatTable(['CONTAINER', 'PORT', 'ADDRESS'], rows.map((row) => [row.name, String(row.containerPort), row.address])));
    });
}

/** Of this machine's own engine: what is published. */
async function portsOf(context: CliContext, remote: RemoteHosts, name: string | undefined): Promise<Row[]> {
  if (name !== undefined) {
    await remote.hosts.find(name);
    const status = await remote.link(name).status();
    return (status?.ports ?? []).map((port) => ({ name: port.name, containerPort: port.containerPort, address: `127.0.0.1:${port.localPort}` }));
  }
  const client = await context.engine();
  const running = await client.json('GET', '/containers/json', z.array(containerSummarySchema));
  const rows = running.flatMap(({ Names, Id, Ports }) =>
    (Ports ?? []).filter(({ Type, PublicPort }) => Type === 'tcp' && PublicPort !== undefined).map(({ PrivatePort, PublicPort }) => ({ name: (Names[0] ?? Id).replace(/^\//, ''), containerPort: PrivatePort, address: `127.0.0.1:${PublicPort ?? 0}` })),
  );
  return [...new Map(rows.map((row) => [`${row.name} ${row.containerPort} ${row.address}`, row])).values()];
}
