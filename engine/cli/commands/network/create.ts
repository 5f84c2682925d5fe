import type { Command } from 'commander';
import { z } from 'zod';
import type { CliContext } from '../../context.ts';
import { collect } from '../container/execIn.ts';

interface CreateOptions {
  readonly driver?: string;
  readonly subnet?: string[];
  readonly gateway?: string[];
  readonly ipRange?: string[];
  readonly auxAddress?: string[];
  readonly ipv6?: boolean;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly opt?: string[];
  readonly label?: string[];
}

/** `berth network create`. */
export function registerCreate(parent: Command, context: CliContext): void {
  parent
    .command('create <name>')
    .description('make a network')
    .option('-d, --driver <driver>', 'bridge (default)')
    .option('--subnet <cidr>', 'its addresses, as 10.20.0.0/16; one for IPv6 too', collect)
    .option('--gateway <address>', "the host's address in a subnet", collect)
    .option('--ip-range <cidr>', 'the part of a subnet from which addresses are chosen', collect)
    .option('--aux-address <name=address>', 'an address that is not to be given', collect)
    .option('--ipv6', 'with IPv6, in the subnet given or in one of its own')
    .option('--internal', 'without a way out')
    .option('--attachable', 'kept for clients, without effect')
    .option('-o, --opt <key=value>', 'an option, as egress=allow:deb.debian.org,10.1.0.0/16: only these can be reached outside', collect)
    .option('--label <key=value>', 'a label', collect)
    .action(async (name: string, options: CreateOptions) => {
      const made = await (await context.engine()).json('POST', '/networks/create', z.looseObject({ Id: z.string(), Warning: z.string().nullish() }), { json: createBody(name, options) });
      if (made.Warning) context.stderr.write(`warning: ${made.Warning}\n`);
      context.stdout.write(`${made.Id}\n`);
    });
}

/** The body of `POST /networks/create`: what belongs to IPv4 and what to IPv6 is told by the colons. Pure. */
export function createBody(name: string, options: CreateOptions): object {
  const parts = [false, true].flatMap((six) => {
    const of = (values: readonly string[] | undefined): string[] => (values ?? []).filter((value) => (value.slice(value.indexOf('=') + 1)).includes(':') === six);
    const [subnets, gateways, ranges, others] = [options.subnet, options.gateway, options.ipRange, options.auxAddress].map(of);
    const count = Math.max(...[subnets, gateways, ranges].map((values) => values?.length ?? 0), others && others.length > 0 ? 1 : 0);
    return Array.from({ length: count }, (_, index) => ({
      ...(subnets?.[index] === undefined ? {} : { Subnet: subnets[index] }),
      ...(gateways?.[index] === undefined ? {} : { Gateway: gateways[index] }),
      ...(ranges?.[index] === undefined ? {} : { IPRange: ranges[index] }),
      ...(index === 0 && others && others.length > 0 ? { AuxiliaryAddresses: pairs(others, '--aux-address') } : {}),
    }));
  });
  return {
    Name: name,
    Driver: options.driver ?? 'bridge',
    EnableIPv6: options.ipv6 ?? false,
    Internal: options.internal ?? false,
    Attachable: options.attachable ?? false,
    Options: pairs(options.opt ?? [], '--opt'),
    Labels: pairs(options.label ?? [], '--label'),
    IPAM: { Driver: 'default', Config: parts },
  };
}

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(texts.map((text) => {
    const at = text.indexOf('=');
    if (at === 0 || (at === -1 && flag === '--aux-address')) throw new Error(`${flag} ${text}: expected key=value`);
    return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  }));
}
