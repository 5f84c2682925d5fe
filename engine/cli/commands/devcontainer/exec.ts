import type { Command } from 'commander';
import { execSpecSchema } from '../../../api/berth/devcontainer.ts';
import type { ExecSpec } from '../../../api/berth/devcontainer.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { collect, envArguments, execIn } from '../container/execIn.ts';
import { localEnv, targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';

interface ExecOptions extends TargetOptions {
  readonly folder?: string;
  readonly workspaceFolder?: string;
  readonly detach?: boolean;
  readonly tty?: boolean;
  readonly env?: string[];
  readonly remoteEnv?: string[];
}

/** `berth exec`: always in a dev container. By container name: `berth container exec`. */
export function registerExec(parent: Command, context: CliContext): void {
  parent
    .command('exec <command> [args...]')
    .description('run a command in the dev container of a folder (default: this one), as its remote user, in its environment. In any container: berth container exec')
    .passThroughOptions()
    .option('--folder <folder>', 'the folder')
    .option('--workspace-folder <folder>', 'the same, as other tools say it')
    .option('--config <file>', 'the devcontainer.json, where the folder has several')
    .option('-d, --detach', 'run it in the background')
    .option('-i, --interactive', 'pass stdin on (it always is, unless detached)')
    .option('-t, --tty', 'give it a terminal (default: when stdin and stdout are one)')
    .option('--no-tty', 'give it no terminal')
    .option('-e, --env <NAME=value>', 'set an environment variable', collect)
    .option('--remote-env <NAME=value>', 'the same, as other tools say it', collect)
    .action((command: string, args: string[], options: ExecOptions) => execute(context, [command, ...args], options));
}

async function execute(context: CliContext, command: readonly string[], options: ExecOptions): Promise<void> {
  const client = await context.engine();
  const spec = await execSpec(context, client, options.folder ?? options.workspaceFolder, options);
  await execIn(context, client, spec.containerId, {
    command,
    tty: options.tty ?? (context.stdin.isTTY && context.stdout.isTTY),
    stdin: true,
    detach: options.detach ?? false,
    user: spec.user,
    workingDir: spec.cwd,
    env: [...spec.env, ...terminalEnv(context), ...envArguments(context, [...(options.env ?? []), ...(options.remoteEnv ?? [])])],
  });
}

/** How to run processes in the dev container of a folder. */
export async function execSpec(context: CliContext, client: ApiClient, folder: string | undefined, options: TargetOptions): Promise<ExecSpec> {
  const json = { ...(await targetOf(context, folder, options)), localEnv: localEnv(context) };
  return client.json('POST', '/berth/v1/devcontainers/exec-spec', execSpecSchema, { json });
}

/** Programs must know which terminal they write to: ours. */
export function terminalEnv(context: CliContext): string[] {
  const { TERM } = context.env;
  return context.stdout.isTTY && TERM !== undefined ? [`TERM=${TERM}`] : [];
}
