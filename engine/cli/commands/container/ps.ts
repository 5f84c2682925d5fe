import type { Command } from 'commander';
import { z } from 'zod';
import { containerSummarySchema } from '../../../api/docker/containerView.ts';
import type { ContainerSummary } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { renderTemplate } from '../../output/template.ts';
import { formatAge, shortId } from '../../output/units.ts';
import { collect } from './execIn.ts';
import { filtersQuery } from '../system/filters.ts';

interface PsOptions {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly filter?: string[];
  readonly format?: string;
  readonly last?: string;
  readonly json?: boolean;
}

/** `berth ps`. */
export function registerPs(parent: Command, context: CliContext, name = 'ps'): void {
  parent
    .command(name)
    .description('list containers')
    .option('-a, --all', 'also those that do not run')
    .option('-q, --quiet', 'ids only')
    .option('-n, --last <n>', 'the last n created')
    .option('--no-trunc', 'whole ids and commands')
    .option('-f, --filter <key=value>', 'only those that match: label, name, status, id, ancestor, …', collect)
    .option('--format <template>', 'print each by a template, as {{.Names}} {{.Status}}')
    .option('--json', 'print the answer of the engine as JSON')
    .action((options: PsOptions) => ps(context, options));
}

async function ps(context: CliContext, options: PsOptions): Promise<void> {
  const client = await context.engine();
  const query = { all: options.all === true ? 1 : 0, limit: options.last, filters: filtersQuery(options.filter) };
  const found = await client.json('GET', '/containers/json', z.array(containerSummarySchema), { query });
  if (options.json === true) context.stdout.write(`${JSON.stringify(found)}\n`);
  else if (options.quiet === true) for (const one of found) context.stdout.write(`${options.trunc ? shortId(one.Id) : one.Id}\n`);
  else if (options.format !== undefined) for (const one of found) context.stdout.write(`${renderTemplate(options.format, view(one, options.trunc))}\n`);
  else context.stdout.write(formatTable(['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'], found.map((one) => row(one, options.trunc))));
}

function row(one: ContainerSummary, trunc: boolean): string[] {
  const fields = view(one, trunc);
  return ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'].map((name) => fields[name] ?? '');
}

/** The fields of a row, named as Docker's templates name them. */
function view(one: ContainerSummary, trunc: boolean): Record<string, string> {
  return {
    ID: trunc ? shortId(one.Id) : one.Id,
    Image: /^sha256:/.test(one.Image) && trunc ? shortId(one.Image) : one.Image,
    Command: `"${trunc && one.Command.length > 20 ? `${one.Command.slice(0, 19)}…` : one.Command}"`,
    RunningFor: formatAge(one.Created * 1000, Date.now()),
    CreatedAt: new Date(one.Created * 1000).toISOString(),
    Status: one.Status,
    State: one.State,
    Ports: formatPorts(one),
    Names: one.Names.map((name) => name.replace(/^\//, '')).join(','),
    Labels: Object.entries(one.Labels ?? {}).map(([key, value]) => `${key}=${value}`).join(','),
  };
}

function formatPorts(one: ContainerSummary): string {
  const texts = (one.Ports ?? []).map((port) => {
    const inside = `${port.PrivatePort}/${port.Type}`;
    if (port.PublicPort === undefined) return inside;
    const ip = port.IP ?? '0.0.0.0';
    return `${ip.includes(':') ? `[${ip}]` : ip}:${port.PublicPort}->${inside}`;
  });
  return [...new Set(texts)].join(', ');
}
