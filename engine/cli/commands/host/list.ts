import type { Command } from 'commander';
import type { LinkStatus } from '../../../api/berth/link.ts';
import { localHost } from '../../../remote/hosts.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth host list`. */
export function registerHostList(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('list')
    .alias('ls')
    .description('list the hosts, and how the link to each is (* is meant when none is named)')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const chosen = (await remote.hosts.default()) ?? localHost;
      const hosts = await remote.hosts.list();
      const rows = await Promise.all(
        hosts.map(async (host) => {
          const link = remote.link(host.name);
          return { ...host, default: host.name === chosen, socketPath: link.engine.socketPath, controlPath: link.controlPath, link: (await link.status()) ?? null };
        }),
      );
      if (options.json) {
        context.stdout.write(`${JSON.stringify(rows)}\n`);
        return;
      }
      const mark = (name: string): string => (name === chosen ? `${name} *` : name);
      context.stdout.write(formatTable(['NAME', 'ADDRESS', 'TRANSPORT', 'STATE'], [[mark(localHost), '', '', 'this machine'], ...rows.map((row) => [mark(row.name), row.url, row.transport, stateText(row.link)])]));
    });
}

/** One line about a link, for people. */
export function stateText(status: LinkStatus | null): string {
  if (!status) return 'not connected';
  const why = status.error === undefined ? '' : `: ${status.error.message} [${status.error.code}]`;
  switch (status.state) {
    case 'idle':
      return 'not connected';
    case 'connected':
      return `connected${status.engineServes ? '' : ', its engine is stopped'}`;
    case 'connecting':
      return `connecting${status.step === undefined ? '' : `: ${status.step}`}`;
    case 'asking':
      return 'waits for an answer';
    case 'reconnecting':
      return `reconnecting${status.retryAt === undefined ? '' : ` in ${Math.max(0, Math.ceil((Date.parse(status.retryAt) - Date.now()) / 1000))} s`}${why}`;
    case 'failed':
      return `failed${why}`;
  }
}
