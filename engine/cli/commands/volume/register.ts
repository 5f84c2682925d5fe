import type { Command } from 'commander';
import { z } from 'zod';
import { volumeListSchema, volumeSchema } from '../../../api/docker/volume.ts';
import type { CliContext } from '../../context.ts';
import { confirmed } from '../../confirm.ts';
import { renderTemplate } from '../../output/template.ts';
import { formatTable } from '../../output/table.ts';
import { formatSize } from '../../output/units.ts';
import { filtersQuery } from '../system/filters.ts';
import { registerArchives } from './archive.ts';

const list = (value: string, before: string[] = []): string[] => [...before, value];

/** `berth volume …`. */
export function registerVolumeCommands(program: Command, context: CliContext): void {
  const group = program.command('volume').description('volumes: data that outlives containers');
  group
    .command('ls')
    .description('list volumes')
    .option('-f, --filter <filter>', 'only those with name=…, label=…, dangling=true', list)
    .option('-q, --quiet', 'print names only', false)
    .option('--json', 'print JSON', false)
    .action((options: { filter?: string[]; quiet: boolean; json: boolean }) => listVolumes(context, options));
  group
    .command('create [name]')
    .description('make a volume, if there is none of this name')
    .option('--label <label>', 'key=value', list)
    .action((name: string | undefined, options: { label?: string[] }) => createVolume(context, name, options.label ?? []));
  group
    .command('inspect <names...>')
    .description('print all about volumes')
    .option('-f, --format <template>', 'print by a template, as {{.Mountpoint}}')
    .action((names: string[], options: { format?: string }) => inspectVolumes(context, names, options.format));
  group
    .command('rm <names...>')
    .description('remove volumes with their data')
    .option('-f, --force', 'no error for one that does not exist', false)
    .action((names: string[], options: { force: boolean }) => removeVolumes(context, names, options.force));
  group
    .command('prune')
    .description('remove the anonymous volumes that no container has')
    .option('-a, --all', 'those with a name too', false)
    .option('--filter <filter>', 'only those with label=…, label!=…', list)
    .option('-f, --force', 'do not ask', false)
    .action((options: { all: boolean; filter?: string[]; force: boolean }) => pruneVolumes(context, options));
  registerArchives(group, context);
}

async function listVolumes(context: CliContext, { filter, quiet, json }: { readonly filter?: string[]; readonly quiet: boolean; readonly json: boolean }): Promise<void> {
  const { Volumes } = await (await context.engine()).json('GET', '/volumes', volumeListSchema, { query: { filters: filtersQuery(filter) } });
  const volumes = Volumes ?? [];
  if (json) context.stdout.write(`${JSON.stringify(volumes)}\n`);
  else if (quiet) context.stdout.write(volumes.map(({ Name }) => `${Name}\n`).join(''));
  else context.stdout.write(formatTable(['DRIVER', 'VOLUME NAME'], volumes.map(({ Driver, Name }) => [Driver, Name])));
}

async function createVolume(context: CliContext, name: string | undefined, labels: readonly string[]): Promise<void> {
  const Labels = Object.fromEntries(labels.map((label) => [label.split('=')[0] ?? '', label.split('=').slice(1).join('=')]));
  const { Name } = await (await context.engine()).json('POST', '/volumes/create', volumeSchema, { json: { Name: name ?? '', Labels } });
  context.stdout.write(`${Name}\n`);
}

async function inspectVolumes(context: CliContext, names: readonly string[], format: string | undefined): Promise<void> {
  const client = await context.engine();
  const found = await Promise.all(names.map((name) => client.json('GET', `/volumes/${encodeURIComponent(name)}`, volumeSchema)));
  if (format === undefined) context.stdout.write(`${JSON.stringify(found, null, 4)}\n`);
  else for (const volume of found) context.stdout.write(`${renderTemplate(format, volume)}\n`);
}

async function removeVolumes(context: CliContext, names: readonly string[], force: boolean): Promise<void> {
  const client = await context.engine();
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      await client.send('DELETE', `/volumes/${encodeURIComponent(name)}`, { query: { force: force ? 1 : 0 } });
      context.stdout.write(`${name}\n`);
    } catch (error) {
      failures.push(error);
      if (names.length > 1) context.stderr.write(`berth: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function pruneVolumes(context: CliContext, { all, filter, force }: { readonly all: boolean; readonly filter?: string[]; readonly force: boolean }): Promise<void> {
  if (!force && !(await confirmed(context, `Remove ${all ? 'all' : 'all anonymous'} volumes that no container has, with their data? [y/N] `))) return;
  const filters = [...(filter ?? []), ...(all ? ['all=1'] : [])];
  const { VolumesDeleted, SpaceReclaimed } = await (await context.engine()).json('POST', '/volumes/prune', z.looseObject({ VolumesDeleted: z.array(z.string()).nullable(), SpaceReclaimed: z.number() }), { query: { filters: filtersQuery(filters) } });
  for (const name of VolumesDeleted ?? []) context.stdout.write(`${name}\n`);
  context.stdout.write(`Reclaimed ${formatSize(SpaceReclaimed)}\n`);
}
