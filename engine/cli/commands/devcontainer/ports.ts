import type { Command } from 'commander';
import { z } from 'zod';
import { devPortSchema, portEventSchema } from '../../../api/berth/port.ts';
import type { DevPort, PortEvent } from '../../../api/berth/port.ts';
import { engineFolderPath } from '../container/reference.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';

interface PortsOptions {
  readonly all?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const SHOWN = 60;

/** `berth ports`. */
export function registerPorts(parent: Command, context: CliContext): void {
  parent
    .command('ports [folder]')
    .description('list the ports of the running dev container of a folder (default: this one), and where they are reached')
    .option('-a, --all', 'those of all running dev containers')
    .option('-f, --follow', 'print what begins and ceases to listen, until interrupted')
    .option('--json', 'print JSON; with --follow, one object a line')
    .action((folder: string | undefined, options: PortsOptions) => ports(context, folder, options));
}

async function ports(context: CliContext, folder: string | undefined, options: PortsOptions): Promise<void> {
  const query = { folder: options.all === true ? undefined : await engineFolderPath(context, folder ?? '.') };
  const client = await context.engine();
  if (options.follow === true) {
    for await (const event of client.lines('GET', '/berth/v1/ports', portEventSchema, { query: { ...query, follow: 1 }, signal: context.signal })) await printEvent(context, event, options.json === true);
    return;
  }
  const here = await context.portsHere();
  const found = (await client.json('GET', '/berth/v1/ports', z.array(devPortSchema), { query })).map((port) => asReachedHere(port, here));
  if (options.json === true) context.stdout.write(`${JSON.stringify(found)}\n`);
  else context.stdout.write(formatTable(['PORT', 'ADDRESS', 'LABEL', 'PROCESS'], found.map((port) => [nameOf(port), addressOf(port), port.label ?? '', processOf(port)])));
}

async function printEvent(context: CliContext, event: PortEvent, json: boolean): Promise<void> {
  const here = { ...event, port: asReachedHere(event.port, await context.portsHere()) };
  context.stdout.write(`${json ? JSON.stringify(here) : sentence(here)}\n`);
}

/** A port of another host is reached by the number that its link gave it here. */
function asReachedHere(port: DevPort, here: ReadonlyMap<number, number> | undefined): DevPort {
  if (!here || !port.local) return port;
  const { local: there, ...rest } = port;
  const number = here.get(there.port);
  return number === undefined ? rest : { ...rest, local: { host: '127.0.0.1', port: number } };
}

function sentence({ type, port }: PortEvent): string {
  const what = type === 'close' ? 'closed' : port.listening ? 'listening' : 'waiting';
  return [what, nameOf(port), addressOf(port), port.label ?? '', processOf(port)].filter((part) => part !== '').join('  ');
}

function nameOf({ host, port }: DevPort): string {
  return host === '' ? String(port) : `${host}:${port}`;
}

function addressOf({ local, protocol, problem }: DevPort): string {
  if (!local) return problem ? `not forwarded [${problem.code}]` : 'not forwarded';
  return `${protocol === undefined ? '' : `${protocol}://`}${local.host.includes(':') ? `[${local.host}]` : local.host}:${local.port}`;
}

/** A command line is the container's to choose: no line of it may break the table, no escape reach the terminal. */
function processOf({ process, listening }: DevPort): string {
  if (!process) return listening ? '' : 'nothing listens yet';
  const command = process.command.replaceAll(/[\s\p{Cc}]+/gu, ' ');
  return `${command.length > SHOWN ? `${command.slice(0, SHOWN - 1)}…` : command} (${process.pid})`;
}
