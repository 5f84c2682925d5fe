import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';

/** `berth load`. */
export function registerLoad(parent: Command, context: CliContext): void {
  parent
    .command('load [file]')
    .description('load images from a tar of docker save or an OCI layout (default: stdin)')
    .option('-i, --input <file>', 'the tar')
    .option('-q, --quiet', 'do not show progress')
    .action((file: string | undefined, options: { input?: string; quiet?: boolean }) => load(context, options.input ?? file, options.quiet ?? false));
}

async function load(context: CliContext, file: string | undefined, quiet: boolean): Promise<void> {
  if (file === undefined && context.stdin.isTTY) throw new Error('berth load: give a file, or pipe a tar in');
  const path = file === undefined || file === '-' ? undefined : resolve(context.cwd, file);
  if (path !== undefined) await access(path);
  const client = await context.engine();
  const body = path === undefined ? context.stdin : createReadStream(path);
  await followProgress(client, 'POST', '/images/load', { body, headers: { 'Content-Type': 'application/x-tar' }, query: { quiet: quiet ? 1 : 0 } }, context.stdout);
}
