import type { Command } from 'commander';
import { z } from 'zod';
import { networkSchema } from '../../../api/docker/network.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { renderTemplate } from '../../output/template.ts';
import { shortId } from '../../output/units.ts';
import { collect } from '../container/execIn.ts';
import { filtersQuery } from '../system/filters.ts';

interface ListOptions {
  readonly filter?: string[];
  readonly quiet?: boolean;
  readonly format?: string;
  readonly json?: boolean;
}

/** `berth network ls`. */
export function registerList(parent: Command, context: CliContext): void {
  parent
    .command('ls')
    .alias('list')
    .description('list networks')
    .option('-f, --filter <key=value>', 'only those that match: name, id, driver, type, label, dangling', collect)
    .option('-q, --quiet', 'ids only')
    .option('--format <template>', 'print each by a template, as {{.Name}}')
    .option('--json', 'print the answer of the engine as JSON')
    .action((options: ListOptions) => list(context, options));
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const found = await (await context.engine()).json('GET', '/networks', z.array(networkSchema), { query: { filters: filtersQuery(options.filter) } });
  if (options.json === true) context.stdout.write(`${JSON.stringify(found)}\n`);
  else if (options.quiet === true) for (const { Id } of found) context.stdout.write(`${shortId(Id)}\n`);
  else if (options.format !== undefined) for (const one of found) context.stdout.write(`${renderTemplate(options.format, { ...one, ID: shortId(one.Id) })}\n`);
  else context.stdout.write(formatTable(['NETWORK ID', 'NAME', 'DRIVER', 'SUBNET'], found.map(({ Id, Name, Driver, IPAM }) => [shortId(Id), Name, Driver, (IPAM.Config ?? []).map(({ Subnet }) => Subnet ?? '').join(', ')])));
}
