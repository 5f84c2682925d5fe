import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { collect, envArguments, execIn } from './execIn.ts';
import { containerOf, referenceHelp } from './reference.ts';

interface ExecOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: string[];
  readonly privileged?: boolean;
  readonly detachKeys?: string;
}

/** `berth container exec`. */
export function registerContainerExec(parent: Command, context: CliContext): void {
  parent
    .command('exec <container> <command> [args...]')
    .summary('run a command in a running container')
    .description(`run a command in a running container. ${referenceHelp}`)
    .passThroughOptions()
    .option('-i, --interactive', 'pass stdin on')
    .option('-t, --tty', 'give it a terminal')
    .option('-d, --detach', 'run it in the background')
    .option('-u, --user <user>', 'user[:group]')
    .option('-w, --workdir <path>', 'working folder inside')
    .option('-e, --env <NAME=value>', 'set an environment variable', collect)
    .option('--privileged', 'give it every capability')
    .option('--detach-keys <keys>', 'keys that leave it running')
    .action(async (container: string, command: string, args: string[], options: ExecOptions) => {
      const client = await context.engine();
      await execIn(context, client, await containerOf(context, client, container), {
        command: [command, ...args],
        tty: options.tty ?? false,
        stdin: options.interactive ?? false,
        detach: options.detach ?? false,
        user: options.user,
        workingDir: options.workdir,
        env: envArguments(context, options.env ?? []),
        privileged: options.privileged ?? false,
        detachKeys: options.detachKeys,
      });
    });
}
