import type { Command } from 'commander';
import { z } from 'zod';
import { devContainerSchema } from '../../../api/berth/devcontainer.ts';
import type { CliContext } from '../../context.ts';
import { targetOf, withConfigOption } from './target.ts';
import type { TargetOptions } from './target.ts';

/** `berth down`. */
export function registerDown(parent: Command, context: CliContext): void {
  withConfigOption(parent.command('down [folder]'))
    .description('remove the dev container of a folder (default: this one) with its anonymous volumes; images and named volumes stay')
    .action(async (folder: string | undefined, options: TargetOptions) => {
      const client = await context.engine();
      const found = await client.json('POST', '/berth/v1/devcontainers/down', z.array(devContainerSchema), { json: await targetOf(context, folder, options) });
      for (const one of found) context.stdout.write(`${one.folder}\n`);
    });
}
