import { Option } from 'commander';
import type { Command } from 'commander';
import { nameFromUrl, transports } from '../../../remote/hosts.ts';
import type { Host } from '../../../remote/hosts.ts';
import type { CliContext } from '../../context.ts';
import type { RemoteHosts } from './remoteHosts.ts';

/** `berth host add`. */
export function registerAdd(parent: Command, context: CliContext, remote: RemoteHosts): void {
  parent
    .command('add <url>')
    .description('add a host that is reached by SSH: ssh://user@host[:port], or an alias of ~/.ssh/config. Nothing is contacted yet')
    .option('--name <name>', 'what to call it; default: the first part of its name')
    .addOption(new Option('--transport <transport>', 'built-in SSH, or the system\'s ssh (certificates, hardware keys); auto: the first, unless it cannot').choices(transports).default('auto'))
    .option('--dir <path>', 'folder on the host for Berth and, without root, its data; default: .berth in the home')
    .option('--sudo', 'run the engine as root there, by sudo; its password, if it wants one, is asked for with each connection', false)
    .action(async (url: string, options: { name?: string; transport: Host['transport']; dir?: string; sudo: boolean }) => {
      remote.checkUrl(url);
      const name = options.name ?? nameFromUrl(url);
      await remote.hosts.add({ name, url, transport: options.transport, ...(options.dir === undefined ? {} : { dir: options.dir }), ...(options.sudo ? { sudo: true } : {}) });
      context.stdout.write(`${name}\n`);
      context.stderr.write(`Use it by berth --host ${name} …, or for everything by berth host use ${name}.\n`);
    });
}
