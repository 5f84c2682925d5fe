import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { confirmed } from '../../confirm.ts';
import { formatSize } from '../../output/units.ts';

interface PruneOptions {
  readonly all?: boolean;
  readonly volumes?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
}

const answerSchema = z.looseObject({ SpaceReclaimed: z.number().optional() });

/** What is asked for, in an order in which one frees what the next removes. */
interface Step {
  readonly words: string;
  readonly path: string;
  readonly filters?: object;
}

/** `berth system prune`. */
export function registerPrune(system: Command, context: CliContext): void {
  system
    .command('prune')
    .description('remove what nothing uses: stopped containers, networks, images without a name, the build cache')
    .option('-a, --all', 'also images that have a name but no container')
    .option('--volumes', 'also volumes without a name that no container uses')
    .option('-y, --yes', 'do not ask')
    .option('-f, --force', 'as --yes')
    .action((options: PruneOptions) => prune(context, options));
}

async function prune(context: CliContext, options: PruneOptions): Promise<void> {
  const steps: Step[] = [
    { words: 'all stopped containers', path: '/containers/prune' },
    { words: 'all networks that no container uses', path: '/networks/prune' },
    ...(options.volumes === true ? [{ words: 'all volumes without a name that no container uses', path: '/volumes/prune' }] : []),
    { words: 'the build cache that no running build uses', path: '/build/prune' },
    { words: options.all === true ? 'all images that no container uses' : 'all images without a name that no container uses', path: '/images/prune', filters: { dangling: [String(options.all !== true)] } },
  ];
  const question = `This removes:\n${steps.map(({ words }) => `  - ${words}`).join('\n')}\nGo on? [y/N] `;
  if (options.yes !== true && options.force !== true && !(await confirmed(context, question))) return;
  const client = await context.engine();
  let freed = 0;
  for (const step of steps) freed += await run(client, step, context.signal);
  context.stdout.write(`Total reclaimed space: ${formatSize(freed)}\n`);
}

async function run(client: ApiClient, { path, filters }: Step, signal: AbortSignal): Promise<number> {
  const { SpaceReclaimed = 0 } = await client.json('POST', path, answerSchema, { query: filters ? { filters: JSON.stringify(filters) } : {}, signal });
  return SpaceReclaimed;
}
