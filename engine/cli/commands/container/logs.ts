import type { Command } from 'commander';
import { containerInspectSchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { parseTime } from '../../output/time.ts';
import { copyOutput } from '../../streams/copyOutput.ts';
import { containerOf, referenceHelp } from './reference.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly timestamps?: boolean;
  readonly details?: boolean;
  readonly since?: string;
  readonly until?: string;
}

/** `berth logs`. */
export function registerLogs(parent: Command, context: CliContext): void {
  parent
    .command('logs [container]')
    .summary('print what a container wrote')
    .description(`print what a container wrote. ${referenceHelp} Default: the dev container of this folder`)
    .option('-f, --follow', 'go on printing what is added')
    .option('-n, --tail <lines>', 'lines from the end (default: all)')
    .option('-t, --timestamps', 'print the time before each line')
    .option('--details', 'print before each line the labels and variables that the options of the log name')
    .option('--since <time>', 'a date, seconds since 1970, or an age as 10m')
    .option('--until <time>', 'a date, seconds since 1970, or an age as 10m')
    .action((container: string | undefined, options: LogOptions) => logs(context, container ?? '.', options));
}

async function logs(context: CliContext, reference: string, options: LogOptions): Promise<void> {
  const client = await context.engine();
  const details = await client.json('GET', `/containers/${await containerOf(context, client, reference)}/json`, containerInspectSchema);
  const now = Date.now();
  const query = {
    stdout: 1,
    stderr: 1,
    follow: options.follow === true ? 1 : 0,
    timestamps: options.timestamps === true ? 1 : 0,
    details: options.details === true ? 1 : 0,
    tail: options.tail ?? 'all',
    since: options.since === undefined ? undefined : parseTime(options.since, now),
    until: options.until === undefined ? undefined : parseTime(options.until, now),
  };
  const response = await client.stream('GET', `/containers/${details.Id}/logs`, { query, signal: context.signal });
  await copyOutput(response, context, details.Config.Tty ?? false);
}
