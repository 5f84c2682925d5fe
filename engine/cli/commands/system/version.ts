import type { Command } from 'commander';
import { clientApiVersion, ConnectError } from '../../../api/client.ts';
import { infoSchema, versionSchema } from '../../../api/docker/system.ts';
import type { CliContext } from '../../context.ts';
import { renderTemplate } from '../../output/template.ts';

/** `berth version` and `berth info`. */
export function registerVersionAndInfo(parent: Command, context: CliContext): void {
  const ownVersion = parent.version() ?? '';
  parent
    .command('version')
    .description('print the versions of this command and of the engine')
    .option('-f, --format <template>', 'print by a template, as {{.Server.Version}}')
    .action((options: { format?: string }) => printVersion(context, ownVersion, options.format));
  parent
    .command('info')
    .description('print facts about the engine and its host')
    .option('-f, --format <template>', 'print by a template, as {{.Driver}}, or json')
    .action(async (options: { format?: string }) => {
      const info = await (await context.engine()).json('GET', '/info', infoSchema);
      if (options.format === 'json') context.stdout.write(`${JSON.stringify(info)}\n`);
      else if (options.format !== undefined) context.stdout.write(`${renderTemplate(options.format, info)}\n`);
      else printFacts(context, info);
    });
}

/** Does not start an engine: its version is told if one runs. */
async function printVersion(context: CliContext, ownVersion: string, format: string | undefined): Promise<void> {
  const client = { Version: ownVersion, ApiVersion: clientApiVersion };
  let server: Awaited<ReturnType<typeof read>> | null = null;
  const read = () => context.client.json('GET', '/version', versionSchema);
  try {
    server = await read();
  } catch (error) {
    if (!(error instanceof ConnectError) || error.reason === 'EACCES') throw error;
  }
  if (format !== undefined) {
    context.stdout.write(`${renderTemplate(format === 'json' ? '{{json .}}' : format, { Client: client, Server: server })}\n`);
    return;
  }
  context.stdout.write(`Client\n  Version  ${client.Version}\n  API      ${client.ApiVersion}\n`);
  if (server) context.stdout.write(`Engine\n  Version  ${server.Version}\n  API      ${server.MinAPIVersion ?? ''} to ${server.ApiVersion}\n  Kernel   ${server.KernelVersion ?? ''}\n`);
  else context.stdout.write(`Engine\n  none runs at ${context.client.socketPath}\n`);
}

function printFacts(context: CliContext, info: Readonly<Record<string, unknown>>): void {
  const names = ['Name', 'ServerVersion', 'OperatingSystem', 'KernelVersion', 'Architecture', 'NCPU', 'MemTotal', 'Driver', 'CgroupVersion', 'DefaultRuntime', 'DockerRootDir', 'Containers', 'ContainersRunning', 'ContainersPaused', 'ContainersStopped', 'Images'];
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const value = info[name];
    if (typeof value === 'string' || typeof value === 'number') context.stdout.write(`${name.padEnd(width)}  ${value}\n`);
  }
  if (Array.isArray(info['Warnings'])) for (const warning of info['Warnings'] as unknown[]) context.stderr.write(`warning: ${String(warning)}\n`);
}
