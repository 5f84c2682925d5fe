import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';

/** `berth image bootstrap`. */
export function registerBootstrap(parent: Command, context: CliContext): void {
  parent
    .command('bootstrap <image>')
    .description("make a base image from a distribution's packages, as debian:bookworm, without any registry")
    .option('-q, --quiet', 'do not show progress')
    .action(async (image: string, options: { quiet?: boolean }) => {
      const client = await context.engine();
      await followProgress(client, 'POST', '/berth/v1/images/bootstrap', { json: { image }, signal: context.signal }, context.stderr, options.quiet ?? false);
      context.stdout.write(`${image}\n`);
    });
}
