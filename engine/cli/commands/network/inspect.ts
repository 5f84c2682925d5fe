import type { Command } from 'commander';
import { z } from 'zod';
import type { CliContext } from '../../context.ts';
import { renderTemplate } from '../../output/template.ts';

/** `berth network inspect`. */
export function registerInspect(parent: Command, context: CliContext): void {
  parent
    .command('inspect <networks...>')
    .description('print all about networks')
    .option('-f, --format <template>', 'print by a template, as {{.Driver}}')
    .action(async (networks: string[], { format }: { format?: string }) => {
      const client = await context.engine();
      const found: unknown[] = [];
      for (const network of networks) found.push(await client.json('GET', `/networks/${encodeURIComponent(network)}`, z.unknown()));
      if (format === undefined) context.stdout.write(`${JSON.stringify(found, null, 4)}\n`);
      else for (const value of found) context.stdout.write(`${renderTemplate(format, value)}\n`);
    });
}
