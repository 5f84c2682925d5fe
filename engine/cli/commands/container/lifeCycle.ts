import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { forEachContainer, referenceHelp } from './reference.ts';

/** `berth container start|stop|restart|kill|rm|wait`, and all but `stop` at the top level too. */
export function registerLifeCycle(parent: Command, context: CliContext): void {
  parent
    .command('start <containers...>')
    .summary('start containers')
    .description(`start containers. ${referenceHelp}`)
    .action((containers: string[]) => each(context, containers, (id) => ['POST', `/containers/${id}/start`]));
  parent
    .command('restart <containers...>')
    .summary('restart containers')
    .description(`restart containers. ${referenceHelp}`)
    .option('-t, --time <seconds>', 'seconds to wait before killing')
    .action((containers: string[], options: { time?: string }) => each(context, containers, (id) => ['POST', `/containers/${id}/restart`, { t: options.time }]));
  parent
    .command('kill <containers...>')
    .summary('send a signal to containers')
    .description(`send a signal to containers. ${referenceHelp}`)
    .option('-s, --signal <signal>', 'signal', 'KILL')
    .action((containers: string[], options: { signal: string }) => each(context, containers, (id) => ['POST', `/containers/${id}/kill`, { signal: options.signal }]));
  parent
    .command('rm <containers...>')
    .summary('remove containers')
    .description(`remove containers. ${referenceHelp}`)
    .option('-f, --force', 'kill them first if they run')
    .option('-v, --volumes', 'remove their anonymous volumes')
    .action((containers: string[], options: { force?: boolean; volumes?: boolean }) => each(context, containers, (id) => ['DELETE', `/containers/${id}`, { force: options.force === true ? 1 : 0, v: options.volumes === true ? 1 : 0 }]));
}

/** `berth container stop`. */
export function registerContainerStop(parent: Command, context: CliContext): void {
  parent
    .command('stop <containers...>')
    .summary('stop containers')
    .description(`stop containers. ${referenceHelp}`)
    .option('-t, --time <seconds>', 'seconds to wait before killing')
    .action((containers: string[], options: { time?: string }) => stopContainers(context, containers, options.time));
}

export function stopContainers(context: CliContext, containers: readonly string[], time: string | undefined): Promise<void> {
  return each(context, containers, (id) => ['POST', `/containers/${id}/stop`, { t: time }]);
}

type Call = readonly [method: string, path: string, query?: Readonly<Record<string, string | number | undefined>>];

/** Calls the engine for each container and prints what it was called. */
function each(context: CliContext, containers: readonly string[], call: (id: string) => Call): Promise<void> {
  return forEachContainer(context, containers, async (client, id, reference) => {
    const [method, path, query = {}] = call(id);
    await client.send(method, path, { query });
    context.stdout.write(`${reference}\n`);
  });
}
