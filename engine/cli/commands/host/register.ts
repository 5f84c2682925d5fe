import { Option } from 'commander';
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerAdd } from './add.ts';
import { registerConnect } from './connect.ts';
import { registerHostDoctor } from './doctor.ts';
import { registerHostList } from './list.ts';
import { registerHostPorts } from './ports.ts';
import { registerPushTo } from './pushTo.ts';
import type { RemoteHosts } from './remoteHosts.ts';
import { registerRm } from './rm.ts';
import { registerUse } from './use.ts';

/** `berth host …`, and `berth link`, which the others start. */
export function registerHostCommands(remote: RemoteHosts): (program: Command, context: CliContext) => void {
  return (program, context) => {
    const group = program.command('host').description('hosts that are reached by SSH');
    registerAdd(group, context, remote);
    registerHostList(group, context, remote);
    registerUse(group, context, remote);
    registerConnect(group, context, remote);
    registerHostDoctor(group, context, remote);
    registerRm(group, context, remote);
    registerHostPorts(group, context, remote);
    const images = program.commands.find((command) => command.name() === 'image');
    if (images) registerPushTo(images, context, remote);
    program
      .command('link <name>', { hidden: true })
      .description('keep the link to a host; started on demand')
      .addOption(new Option('--ready-fd <fd>').argParser(Number))
      .action((name: string, options: { readyFd?: number }) => remote.serveLink(name, options.readyFd));
  };
}
