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

/** `berth ports`. */
export function registerPorts(program: Command, context: CliContext, remote: RemoteHosts): void {
  program
    .command('ports')
    .description("list the containers' published TCP ports and where this machine reaches them")
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const rows = await portsOf(context, remote);
      if (options.json) context.stdout.write(`${JSON.stringify(rows)}\n`);
      else context.stdout.write(formatTable(['CONTAINER', 'PORT', 'ADDRESS'], rows.map((row) => [row.name, String(row.containerPort), row.address])));
    });
}

async function portsOf(context: CliContext, remote: RemoteHosts): Promise<Row[]> {
  const client = await context.engine();
  if (context.host !== undefined) {
    const status = await remote.link(context.host).status();
    return (status?.ports ?? []).map(({ name, containerPort, localPort }) => ({ name, containerPort, address: `127.0.0.1:${localPort}` }));
  }
  const running = await client.json('GET', '/containers/json', z.array(containerSummarySchema));
  const rows = running.flatMap(({ Names, Id, Ports }) =>
    (Ports ?? []).filter(({ Type, PublicPort }) => Type === 'tcp' && PublicPort !== undefined).map(({ PrivatePort, PublicPort }) => ({ name: (Names[0] ?? Id).replace(/^\//, ''), containerPort: PrivatePort, address: `127.0.0.1:${PublicPort ?? 0}` })),
  );
  return [...new Map(rows.map((row) => [`${row.name} ${row.containerPort} ${row.address}`, row])).values()];
}
