import type { Command } from 'commander';
import { refusalSchema } from '../../../api/berth/network.ts';
import type { Refusal } from '../../../api/berth/network.ts';
import type { CliContext } from '../../context.ts';
import { parseTime } from '../../output/time.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly json?: boolean;
}

/** `berth network logs`: what a network with an allow-list refused. */
export function registerLogs(parent: Command, context: CliContext): void {
  parent
    .command('logs <network>')
    .description('print what containers of a network with an allow-list (--opt egress=allow:…) were refused')
    .option('-f, --follow', 'and what they are refused from now on')
    .option('--since <time>', 'only since then: a time, or a duration as 10m')
    .option('--json', 'as JSON lines')
    .action(async (network: string, { follow, since, json }: LogsOptions) => {
      const client = await context.engine();
      const from = since === undefined ? 0 : Number(parseTime(since, Date.now())) * 1000;
      const path = `/berth/v1/networks/${encodeURIComponent(network)}/refused`;
      for await (const one of client.lines('GET', path, refusalSchema, { query: { follow: follow === true ? 1 : undefined }, signal: context.signal })) {
        if (Date.parse(one.time) >= from) context.stdout.write(`${json === true ? JSON.stringify(one) : line(one)}\n`);
      }
    });
}

function line({ time, container, kind, destination, protocol, port, count }: Refusal): string {
  const address = destination.includes(':') && port !== undefined ? `[${destination}]` : destination;
  const what = kind === 'name' ? `the name ${destination}` : `${protocol} to ${address}${port === undefined ? '' : `:${port}`}`;
  return `${time} ${container}: refused ${what}${count === 1 ? '' : ` (${count} times)`}`;
}
