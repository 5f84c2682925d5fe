import type { Command } from 'commander';
import { eventSchema } from '../../../api/docker/event.ts';
import type { EngineEvent } from '../../../api/docker/event.ts';
import type { CliContext } from '../../context.ts';
import { renderTemplate } from '../../output/template.ts';
import { parseTime } from '../../output/time.ts';
import { collect } from '../container/execIn.ts';
import { filtersQuery } from './filters.ts';

/** `berth events`. */
export function registerEvents(parent: Command, context: CliContext): void {
  parent
    .command('events')
    .description('print what happens, until interrupted')
    .option('-f, --filter <key=value>', 'only those that match: type, event, container, image, label, …', collect)
    .option('--since <time>', 'also those since then')
    .option('--until <time>', 'stop then')
    .option('--format <template>', 'print each by a template, as {{.Action}}, or json')
    .action(async (options: { filter?: string[]; since?: string; until?: string; format?: string }) => {
      const client = await context.engine();
      const now = Date.now();
      const query = { filters: filtersQuery(options.filter), since: options.since === undefined ? undefined : parseTime(options.since, now), until: options.until === undefined ? undefined : parseTime(options.until, now) };
      for await (const event of client.lines('GET', '/events', eventSchema, { query, signal: context.signal })) context.stdout.write(`${format(event, options.format)}\n`);
    });
}

function format(event: EngineEvent, template: string | undefined): string {
  if (template === 'json') return JSON.stringify(event);
  if (template !== undefined) return renderTemplate(template, event);
  const attributes = Object.entries(event.Actor.Attributes).map(([key, value]) => `${key}=${value}`).join(', ');
  return `${new Date(event.timeNano / 1e6).toISOString()} ${event.Type} ${event.Action} ${event.Actor.ID}${attributes === '' ? '' : ` (${attributes})`}`;
}
