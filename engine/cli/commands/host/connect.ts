import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';
import { stateText } from './list.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth host connect` and `berth host disconnect`. */
export function registerConnect(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('connect <name>')
    .description('connect now, answering what the host asks; the first connection installs the engine there')
    .action(async (name: string) => {
      await remote.hosts.find(name);
      let said = '';
      const report = (text: string): void => {
        if (text !== said) context.stderr.write(`${name}: ${(said = text)}\n`);
      };
      const client = await remote.link(name).reach({ ask: askOnTerminal(context), report: (status) => report(stateText(status)), signal: context.signal });
      report('connected');
      context.stdout.write(`unix://${client.socketPath}\n`);
    });
  parent
    .command('disconnect <name>')
    .description('end the link; what runs on the host goes on')
    .action(async (name: string) => {
      await remote.hosts.find(name);
      const ended = await remote.link(name).stop(context.signal);
      context.stderr.write(ended ? `${name}: disconnected. What runs there goes on.\n` : `${name}: was not connected.\n`);
    });
}
