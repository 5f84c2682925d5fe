import type { Command } from 'commander';
import { sshTargetSchema } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';
import { generateSshKey } from '../../../base/sshKey.ts';
import { run } from '../../../host/process.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { collect } from '../container/execIn.ts';
import { SshFiles } from './configFiles.ts';
import { changeSettings } from './settings.ts';
import type { SshSettings } from './settings.ts';
import { previewSshConfig, syncSshConfig } from './sync.ts';
import type { OwnCommand } from './sync.ts';

interface ConfigOptions {
  readonly print?: boolean;
  readonly json?: boolean;
  readonly remove?: boolean;
  readonly container?: string[];
  readonly forwardAgent?: boolean;
  readonly up?: boolean;
  readonly git?: boolean;
  readonly gpg?: boolean;
}

/** `berth ssh-config`. */
export function registerSshConfig(own: OwnCommand): (parent: Command, context: CliContext) => void {
  return (parent, context) => {
    parent
      .command('ssh-config')
      .summary('keep host entries for dev containers in your SSH configuration')
      .description('write a host entry <name>.berth for every dev container into ~/.ssh/berth/config, which one Include line in ~/.ssh/config brings in, and list them')
      .option('--write', 'write it (the default)')
      .option('--print', 'print what would be written, and write nothing')
      .option('--json', 'write it, and print the hosts as JSON')
      .option('--remove', 'take the Include line and all our files away')
      .option('--container <name>', 'also an entry for this container (can be given several times)', collect)
      .option('--forward-agent', 'forward your ssh-agent (kept; the default)')
      .option('--no-forward-agent', 'do not')
      .option('--up', 'bring up what is not running when you connect (kept; the default)')
      .option('--no-up', 'do not')
      .option('--git', 'let git in the container use your name, address and credential helpers (kept; the default)')
      .option('--no-git', 'do not')
      .option('--gpg', "forward gpg-agent's extra socket (kept)")
      .option('--no-gpg', 'do not (the default)')
      .action((options: ConfigOptions) => configure(context, own, options));
  };
}

async function configure(context: CliContext, own: OwnCommand, options: ConfigOptions): Promise<void> {
  const files = new SshFiles(context.env);
  if (options.remove === true) {
    await files.remove();
    return;
  }
  const client = await context.engine();
  if (options.print === true) {
    context.stdout.write(await previewSshConfig(client, context.env, own));
    return;
  }
  await changeSettings(files, await settingsOf(options));
  for (const name of options.container ?? []) await announce(client, name);
  const synced = await syncSshConfig(client, context.env, own);
  if (options.json === true) {
    context.stdout.write(`${JSON.stringify(synced.map(({ alias, target: { kind, id, containerId, user, folder, state } }) => ({ alias, kind, id, containerId, user, folder, state })))}\n`);
    return;
  }
  context.stdout.write(formatTable(['HOST', 'USER', 'STATE', 'FOLDER'], synced.map(({ alias, target }) => [alias, target.user, target.state, target.folder])));
}

/** An engine lists a container once a key has been authorised for it: this one is nobody's; ours follows with all the others. */
async function announce(client: ApiClient, name: string): Promise<void> {
  await client.json('POST', '/berth/v1/ssh/authorize', sshTargetSchema, { json: { kind: 'container', id: name, publicKey: generateSshKey('').publicKey } });
}

async function settingsOf({ forwardAgent, up, git, gpg }: ConfigOptions): Promise<Partial<SshSettings>> {
  return {
    ...(forwardAgent === undefined ? {} : { forwardAgent }),
    ...(up === undefined ? {} : { up }),
    ...(git === undefined ? {} : { git }),
    ...(gpg === undefined ? {} : { gpgSocket: gpg ? (await run('gpgconf', ['--list-dirs', 'agent-extra-socket'])).stdout.trim() : '' }),
  };
}
