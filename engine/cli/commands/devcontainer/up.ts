import type { Command } from 'commander';
import { upEventSchema } from '../../../api/berth/devcontainer.ts';
import type { UpRequest, UpResult } from '../../../api/berth/devcontainer.ts';
import { registryLogins } from '../../registry/credentials.ts';
import { connectHint } from '../ssh/afterUp.ts';
import type { OwnCommand } from '../ssh/sync.ts';
import { describeError } from '../../program.ts';
import type { CliContext } from '../../context.ts';
import { localEnv, targetOf, withConfigOption } from './target.ts';
import type { TargetOptions } from './target.ts';
import { UpProgressPrinter } from './upProgress.ts';

interface UpOptions extends TargetOptions {
  readonly workspaceFolder?: string;
  readonly removeExistingContainer?: boolean;
  readonly cache?: boolean;
  readonly buildNoCache?: boolean;
  readonly pull?: boolean;
  readonly skipPostCreate?: boolean;
  readonly skipPostAttach?: boolean;
  readonly skipNonBlockingCommands?: boolean;
  readonly quiet?: boolean;
  readonly sshConfig?: boolean;
}

/** `berth up`. The last line of stdout is the reference CLI's: a JSON object with `outcome`; everything else goes to stderr. */
export function registerUp(parent: Command, context: CliContext, own: OwnCommand): void {
  withConfigOption(parent.command('up [folder]'))
    .description('make or start the dev container of a folder (default: this one), and print one JSON line')
    .option('--workspace-folder <folder>', 'the folder, as other tools say it')
    .option('--remove-existing-container', 'remove the container there is and make a new one')
    .option('--no-cache', 'build every step of the image again')
    .option('--build-no-cache', 'the same, as other tools say it')
    .option('--pull', 'ask the registries for newer base images')
    .option('--skip-post-create', 'run no lifecycle command in the container')
    .option('--skip-post-attach', 'do not run postAttachCommand')
    .option('--skip-non-blocking-commands', 'stop after the command that waitFor names')
    .option('-q, --quiet', 'print only the result')
    .option('--no-ssh-config', 'leave your SSH configuration alone (also: BERTH_SSH_CONFIG=0)')
    .action((folder: string | undefined, options: UpOptions) => up(context, own, folder, options));
}

async function up(context: CliContext, own: OwnCommand, folder: string | undefined, options: UpOptions): Promise<void> {
  const result = await bringUp(context, folder ?? options.workspaceFolder, options);
  if (result.outcome === 'success' && options.sshConfig) await connectHint(context, context.client, own, result.containerId, options.quiet ?? false);
  if (result.outcome === 'error' && result.code !== undefined) context.stderr.write(`berth: ${result.message} [${result.code}]\n`);
  context.stdout.write(`${JSON.stringify(referenceLine(result))}\n`);
  if (result.outcome === 'error') context.setExitStatus(1);
}

/** Brings the dev container up, telling how it goes on stderr; says how that ended, and never throws. */
export async function bringUp(context: CliContext, folder: string | undefined, options: UpOptions): Promise<UpResult> {
  const printer = new UpProgressPrinter(context.stderr);
  try {
    const request = await requestOf(context, folder, options);
    const client = await context.engine();
    for await (const event of client.lines('POST', '/berth/v1/devcontainers/up', upEventSchema, { json: request, headers: await registryLogins(context), signal: context.signal })) {
      if (event.type === 'result') return event;
      if (options.quiet !== true) printer.print(event);
    }
    return failure('The engine ended without a result. See berth engine logs');
  } catch (error) {
    return failure(context.signal.aborted ? 'Interrupted' : describeError(error));
  } finally {
    printer.end();
  }
}

function failure(message: string): UpResult {
  return { type: 'result', outcome: 'error', message, description: 'The dev container could not be set up.' };
}

async function requestOf(context: CliContext, folder: string | undefined, options: UpOptions): Promise<UpRequest> {
  return {
    ...(await targetOf(context, folder, options, { begin: true })),
    localEnv: localEnv(context),
    removeExistingContainer: options.removeExistingContainer ?? false,
    noCache: options.cache === false || (options.buildNoCache ?? false),
    pull: options.pull ?? false,
    skipPostCreate: options.skipPostCreate ?? false,
    skipPostAttach: options.skipPostAttach ?? false,
    skipNonBlockingCommands: options.skipNonBlockingCommands ?? false,
  };
}

/** Exactly the fields that the reference CLI prints. */
function referenceLine(result: UpResult): object {
  if (result.outcome === 'success') return { outcome: 'success', containerId: result.containerId, remoteUser: result.remoteUser, remoteWorkspaceFolder: result.remoteWorkspaceFolder };
  return { outcome: 'error', message: result.message, description: result.description, ...(result.containerId === undefined ? {} : { containerId: result.containerId }) };
}
