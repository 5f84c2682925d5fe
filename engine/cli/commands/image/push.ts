import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { followProgress } from '../../output/pullProgress.ts';
import { authHeaders } from '../../registry/credentials.ts';
import { splitReference } from './pull.ts';

/** `berth push`. */
export function registerPush(parent: Command, context: CliContext): void {
  parent
    .command('push <image>')
    .description('push an image to the registry that its name says')
    .option('-a, --all-tags', 'all tags of the repository')
    .option('-q, --quiet', 'do not show progress')
    .action(async (image: string, options: { allTags?: boolean; quiet?: boolean }) => {
      const { fromImage, tag } = splitReference(image);
      const query = options.allTags === true ? {} : { tag };
      await followProgress(await context.engine(), 'POST', `/images/${fromImage}/push`, { query, headers: await authHeaders(context.env, fromImage), signal: context.signal }, context.stdout, options.quiet ?? false);
      if (options.quiet === true) context.stdout.write(`${image}\n`);
    });
}
