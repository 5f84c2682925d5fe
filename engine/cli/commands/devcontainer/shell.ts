import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { execIn } from '../container/execIn.ts';
import { folderPath, isFolder, referenceHelp } from '../container/reference.ts';
import { shareCredentials } from '../ssh/share.ts';
import { execSpec, terminalEnv } from './exec.ts';
import { withConfigOption } from './target.ts';
import type { TargetOptions } from './target.ts';

/** Finds a shell in an image that may have any, and makes it a login shell. */
const anyShell = ['/bin/sh', '-c', 'for shell in /bin/bash /bin/zsh /bin/ash; do [ -x "$shell" ] && exec "$shell" -l; done; exec /bin/sh -l'];

/** `berth shell`. */
export function registerShell(parent: Command, context: CliContext): void {
  withConfigOption(parent.command('shell [target]'))
    .summary('open a shell in a dev container, as its remote user, or in any container')
    .description(`open a shell in a dev container, as its remote user, or in any container. ${referenceHelp} Default: the dev container of this folder`)
    .action((target: string | undefined, options: TargetOptions) => shell(context, target ?? '.', options));
}

async function shell(context: CliContext, target: string, options: TargetOptions): Promise<void> {
  const client = await context.engine();
  const tty = context.stdin.isTTY && context.stdout.isTTY;
  if (!isFolder(target)) {
    await execIn(context, client, encodeURIComponent(target), { command: anyShell, tty, stdin: true, env: terminalEnv(context) });
    return;
  }
  const spec = await execSpec(context, client, target, options);
  using shared = await shareCredentials(context, client, spec, await folderPath(context, target));
  await execIn(context, client, spec.containerId, { command: [spec.shell, '-l'], tty, stdin: true, user: spec.user, workingDir: spec.cwd, env: [...spec.env, ...shared.env, ...terminalEnv(context)] });
}
