import type { Command } from 'commander';
import { z } from 'zod';
import { imageSummarySchema } from '../../../api/docker/image.ts';
import type { ImageSummary } from '../../../api/docker/image.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { renderTemplate } from '../../output/template.ts';
import { formatAge, formatSize, shortId } from '../../output/units.ts';
import { collect } from '../container/execIn.ts';
import { filtersQuery } from '../system/filters.ts';
import { splitReference } from './pull.ts';

interface ImagesOptions {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly trunc: boolean;
  readonly filter?: string[];
  readonly format?: string;
  readonly json?: boolean;
}

/** `berth images` and `berth image ls`. */
export function registerImages(parent: Command, context: CliContext, name = 'images'): void {
  parent
    .command(`${name} [reference]`)
    .description('list images')
    .option('-a, --all', 'also those without a name that others stand on')
    .option('-q, --quiet', 'ids only')
    .option('--no-trunc', 'whole ids')
    .option('-f, --filter <key=value>', 'only those that match: dangling, label, reference, …', collect)
    .option('--format <template>', 'print each by a template, as {{.Repository}}:{{.Tag}}')
    .option('--json', 'print the answer of the engine as JSON')
    .action((reference: string | undefined, options: ImagesOptions) => images(context, reference, options));
}

async function images(context: CliContext, reference: string | undefined, options: ImagesOptions): Promise<void> {
  const client = await context.engine();
  const filters = filtersQuery([...(options.filter ?? []), ...(reference === undefined ? [] : [`reference=${reference}`])]);
  const found = await client.json('GET', '/images/json', z.array(imageSummarySchema), { query: { all: options.all === true ? 1 : 0, filters } });
  if (options.json === true) {
    context.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  const rows = found.flatMap((image) => rowsOf(image, options.trunc));
  if (options.quiet === true) for (const id of new Set(rows.map((row) => row.ID))) context.stdout.write(`${id}\n`);
  else if (options.format !== undefined) for (const row of rows) context.stdout.write(`${renderTemplate(options.format, row)}\n`);
  else context.stdout.write(formatTable(['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'], rows.map((row) => [row.Repository, row.Tag, row.ID, row.CreatedSince, row.Size])));
}

function rowsOf(image: ImageSummary, trunc: boolean): Array<{ Repository: string; Tag: string; ID: string; CreatedSince: string; CreatedAt: string; Size: string }> {
  const rest = { ID: trunc ? shortId(image.Id) : image.Id, CreatedSince: formatAge(image.Created * 1000, Date.now()), CreatedAt: new Date(image.Created * 1000).toISOString(), Size: formatSize(image.Size) };
  const names = (image.RepoTags ?? []).filter((name) => name !== '<none>:<none>').map(splitReference);
  if (names.length === 0) return [{ Repository: image.RepoDigests?.[0]?.split('@')[0] ?? '<none>', Tag: '<none>', ...rest }];
  return names.map(({ fromImage, tag }) => ({ Repository: fromImage, Tag: tag, ...rest }));
}
