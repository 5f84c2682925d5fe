import type { Command } from 'commander';
import { z } from 'zod';
import type { CliContext } from '../../context.ts';
import { checkArchiveTarget, writeArchive } from '../../streams/toFile.ts';
import { containerOf, referenceHelp } from './reference.ts';

const changesSchema = z.array(z.looseObject({ Path: z.string(), Kind: z.number() })).nullish();
const committedSchema = z.looseObject({ Id: z.string() });

interface CommitOptions {
  readonly author?: string;
  readonly message?: string;
  readonly change: readonly string[];
  readonly pause: boolean;
}

/** `berth diff`, `berth export`, `berth commit`. */
export function registerFiles(parent: Command, context: CliContext): void {
  parent
    .command('diff <container>')
    .summary("list what a container changed of its image's files")
    .description(`list what a container changed of its image's files: A added, C changed, D deleted. ${referenceHelp}`)
    .action((container: string) => diff(context, container));
  parent
    .command('export <container>')
    .summary("write a container's files to a tar (default: stdout)")
    .description(`write a container's files, without its mounts, to a tar (default: stdout). ${referenceHelp}`)
    .option('-o, --output <file>', 'the tar')
    .action((container: string, options: { output?: string }) => exportTar(context, container, options.output));
  parent
    .command('commit <container> [image]')
    .summary("make an image of a container's files")
    .description(`make an image of a container's files and print its id. ${referenceHelp}`)
    .option('-a, --author <name>', 'who made it')
    .option('-m, --message <text>', 'what it is')
    .option('-c, --change <instruction>', 'a Dockerfile instruction to apply, as CMD ["sh"]', (value: string, list: readonly string[]) => [...list, value], [])
    .option('--no-pause', 'let it run meanwhile')
    .action((container: string, image: string | undefined, options: CommitOptions) => commit(context, container, image, options));
}

async function diff(context: CliContext, reference: string): Promise<void> {
  const client = await context.engine();
  const changes = await client.json('GET', `/containers/${await containerOf(context, client, reference)}/changes`, changesSchema);
  for (const { Path, Kind } of changes ?? []) context.stdout.write(`${'CAD'[Kind] ?? '?'} ${Path}\n`);
}

async function exportTar(context: CliContext, reference: string, output: string | undefined): Promise<void> {
  checkArchiveTarget(context, 'export', output);
  const client = await context.engine();
  await writeArchive(context, await client.stream('GET', `/containers/${await containerOf(context, client, reference)}/export`, { signal: context.signal }), output);
}

async function commit(context: CliContext, reference: string, image: string | undefined, options: CommitOptions): Promise<void> {
  const client = await context.engine();
  const query = { container: decodeURIComponent(await containerOf(context, client, reference)), repo: image, author: options.author, comment: options.message, changes: options.change, pause: options.pause ? 1 : 0 };
  const { Id } = await client.json('POST', '/commit', committedSchema, { query, signal: context.signal });
  context.stdout.write(`${Id}\n`);
}
