import type { Command } from 'commander';
import { localHost } from '../../../remote/hosts.ts';
import type { CliContext } from '../../context.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth host use`. */
export function registerUse(parent: Command, context: CliContext, { hosts }: RemoteHosts): void {
  parent
    .command('use <name>')
    .description('the host that every command means unless --host or BERTH_HOST says otherwise; local: this machine')
    .action(async (name: string) => {
      await hosts.use(name);
      context.stderr.write(name === localHost ? 'Commands are about this machine again.\n' : `Commands are about ${name} from now on. Back: berth host use local\n`);
    });
}
