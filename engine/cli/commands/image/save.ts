import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { copyOutput } from '../../streams/copyOutput.ts';
import type { CliContext } from '../../context.ts';

/** `berth save`. */
export function registerSave(parent: Command, context: CliContext): void {
  parent
    .command('save <images...>')
    .description('write images to a tar (default: stdout)')
    .option('-o, --output <file>', 'the tar')
    .action((images: string[], options: { output?: string }) => save(context, images, options.output));
}

async function save(context: CliContext, images: readonly string[], output: string | undefined): Promise<void> {
  if (output === undefined && context.stdout.isTTY) throw new Error('berth save: a tar does not belong on a terminal. Use -o FILE, or redirect');
  const client = await context.engine();
  const response = await client.stream('GET', '/images/get', { query: { names: images }, signal: context.signal });
  if (output === undefined) {
    await copyOutput(response, context, true);
    return;
  }
  const path = resolve(context.cwd, output);
  const temp = `${path}.part-${process.pid}`;
  try {
    await pipeline(response, createWriteStream(temp, { flags: 'wx' }));
    await rename(temp, path);
  } finally {
    await rm(temp, { force: true });
  }
}
