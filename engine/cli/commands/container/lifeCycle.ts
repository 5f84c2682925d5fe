import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { forEachContainer, referenceHelp } from './reference.ts';

/** `berth container start|restart|kill|pause|unpause|rename|rm`, and the same at the top level. */
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
    .command('pause <containers...>')
    .summary('freeze the processes of containers')
    .description(`freeze the processes of containers. ${referenceHelp}`)
    .action((containers: string[]) => each(context, containers, (id) => ['POST', `/containers/${id}/pause`]));
  parent
    .command('unpause <containers...>')
    .summary('let frozen containers go on')
    .description(`let frozen containers go on. ${referenceHelp}`)
    .action((containers: string[]) => each(context, containers, (id) => ['POST', `/containers/${id}/unpause`]));
  parent
    .command('rename <container> <name>')
    .summary('give a container another name')
    .description(`give a container another name. ${referenceHelp}`)
    .action((container: string, name: string) => each(context, [container], (id) => ['POST', `/containers/${id}/rename`, { name }]));
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
