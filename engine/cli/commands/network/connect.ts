import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { containerOf, referenceHelp } from '../container/reference.ts';
import { collect } from '../container/execIn.ts';

interface ConnectOptions {
  readonly alias?: string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly link?: string[];
}

/** `berth network connect`: a container that runs is in the network at once, another one when it starts. */
export function registerConnect(parent: Command, context: CliContext): void {
  parent
    .command('connect <network> <container>')
    .description(`put a container into one more network. ${referenceHelp}`)
    .option('--alias <name>', 'one more name of it there', collect)
    .option('--ip <address>', 'its IPv4 address there')
    .option('--ip6 <address>', 'its IPv6 address there')
    .option('--link <container:alias>', 'a name by which it alone knows another container', collect)
    .action(async (network: string, container: string, options: ConnectOptions) => {
      const client = await context.engine();
      const EndpointConfig = { Aliases: options.alias ?? [], Links: options.link ?? [], IPAMConfig: { IPv4Address: options.ip ?? '', IPv6Address: options.ip6 ?? '' } };
      await client.send('POST', `/networks/${encodeURIComponent(network)}/connect`, { json: { Container: decodeURIComponent(await containerOf(context, client, container)), EndpointConfig } });
    });
}

/** `berth network disconnect`. */
export function registerDisconnect(parent: Command, context: CliContext): void {
  parent
    .command('disconnect <network> <container>')
    .description(`take a container out of a network. ${referenceHelp}`)
    .action(async (network: string, container: string) => {
      const client = await context.engine();
      await client.send('POST', `/networks/${encodeURIComponent(network)}/disconnect`, { json: { Container: decodeURIComponent(await containerOf(context, client, container)) } });
    });
}
