import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { splitReference } from './pull.ts';

/** `berth tag`. */
export function registerTag(parent: Command, context: CliContext): void {
  parent
    .command('tag <image> <name>')
    .description('give an image one more name')
    .action(async (image: string, name: string) => {
      const { fromImage, tag } = splitReference(name);
      await (await context.engine()).send('POST', `/images/${image}/tag`, { query: { repo: fromImage, tag } });
    });
}
