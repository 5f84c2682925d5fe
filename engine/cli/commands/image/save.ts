import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { checkArchiveTarget, writeArchive } from '../../streams/toFile.ts';

/** `berth save`. */
export function registerSave(parent: Command, context: CliContext): void {
  parent
    .command('save <images...>')
    .description('write images to a tar (default: stdout)')
    .option('-o, --output <file>', 'the tar')
    .action((images: string[], options: { output?: string }) => save(context, images, options.output));
}

async function save(context: CliContext, images: readonly string[], output: string | undefined): Promise<void> {
  checkArchiveTarget(context, 'save', output);
  const client = await context.engine();
  await writeArchive(context, await client.stream('GET', '/images/get', { query: { names: images }, signal: context.signal }), output);
}
