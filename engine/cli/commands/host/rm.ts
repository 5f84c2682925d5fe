import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth host rm`. */
export function registerRm(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('rm <name>')
    .description('end the link and forget the host; what is on the host stays, unless --purge')
    .option('--purge', 'first remove the engine from the host, with its containers, images and volumes', false)
    .option('--force', 'with --purge: also where containers run', false)
    .action(async (name: string, options: { purge: boolean; force: boolean }) => {
      const host = await remote.hosts.find(name);
      await remote.link(name).stop(context.signal);
      if (options.purge) await remote.purge(host, { force: options.force }, askOnTerminal(context), { signal: context.signal, report: ({ status }) => void context.stderr.write(`${name}: ${status}\n`) });
      await remote.hosts.remove(name);
      await remote.forget(name);
      context.stdout.write(`${name}\n`);
    });
}
