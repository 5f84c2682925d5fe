import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { describeError } from '../../program.ts';
import { syncSshConfig } from './sync.ts';
import type { OwnCommand } from './sync.ts';

/** Writes the host entries after an `up` and says how to connect. The dev container is up whatever comes of this. */
export async function connectHint(context: CliContext, client: ApiClient, own: OwnCommand, containerId: string, quiet: boolean): Promise<void> {
  if (context.env['BERTH_SSH_CONFIG'] === '0') return;
  try {
    const synced = await syncSshConfig(client, context.env, own);
    const found = synced.find(({ target }) => target.containerId === containerId);
    if (found && !quiet) context.stderr.write(`  ssh ${found.alias}\n`);
  } catch (error) {
    context.stderr.write(`warning: the SSH configuration was not brought up to date: ${describeError(error)}\n`);
  }
}
