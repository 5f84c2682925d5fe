import type { Command } from 'commander';
import { z } from 'zod';
import type { CliContext } from '../../context.ts';
import { confirmed } from '../../confirm.ts';
import { collect } from '../container/execIn.ts';
import { filtersQuery } from '../system/filters.ts';

/** `berth network rm`. */
export function registerRemove(parent: Command, context: CliContext): void {
  parent
    .command('rm <networks...>')
    .alias('remove')
    .description('remove networks that no running container is in')
    .action(async (networks: string[]) => {
      const client = await context.engine();
      const failures: unknown[] = [];
      for (const network of networks) {
        try {
          await client.send('DELETE', `/networks/${encodeURIComponent(network)}`);
          context.stdout.write(`${network}\n`);
        } catch (error) {
          failures.push(error);
          if (networks.length > 1) context.stderr.write(`berth: ${network}: ${error instanceof Error ? error.message : String(error)}\n`);
        }
      }
      if (failures.length > 0) throw failures[0];
    });
}

/** `berth network prune`. */
export function registerPrune(parent: Command, context: CliContext): void {
  parent
    .command('prune')
    .description('remove every network that no running container is in')
    .option('-f, --force', 'without asking')
    .option('--filter <key=value>', 'only those that match: label, until', collect)
    .action(async (options: { force?: boolean; filter?: string[] }) => {
      if (options.force !== true && !(await confirmed(context, 'Remove all networks that no running container is in? [y/N] '))) return;
      const { NetworksDeleted } = await (await context.engine()).json('POST', '/networks/prune', z.looseObject({ NetworksDeleted: z.array(z.string()).nullish() }), { query: { filters: filtersQuery(options.filter) } });
      for (const name of NetworksDeleted ?? []) context.stdout.write(`${name}\n`);
    });
}
