import type { Command } from 'commander';
import { waitResultSchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { forEachContainer, referenceHelp } from './reference.ts';

/** `berth wait`. */
export function registerWait(parent: Command, context: CliContext): void {
  parent
    .command('wait <containers...>')
    .summary('wait until containers end and print their exit statuses')
    .description(`wait until containers end and print their exit statuses. ${referenceHelp}`)
    .action((containers: string[]) =>
      forEachContainer(context, containers, async (client, id) => {
        const { StatusCode } = await client.json('POST', `/containers/${id}/wait`, waitResultSchema, { signal: context.signal });
        context.stdout.write(`${StatusCode}\n`);
      }),
    );
}
