import { once } from 'node:events';
import { registryLogins } from '../../registry/credentials.ts';
import type { Command } from 'commander';
import { upEventSchema } from '../../../api/berth/devcontainer.ts';
import type { SshConnect, SshTarget } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { localEnv } from '../devcontainer/target.ts';
import { openClientLink } from './clientLink.ts';
import { gitSettings } from './gitSettings.ts';
import { findTarget, listTargets, noSuchTarget } from './target.ts';

interface ProxyOptions {
  readonly up: boolean;
  readonly git: boolean;
}

/** `berth ssh-proxy`: the ProxyCommand of our host entries. stdin and stdout are the SSH connection; people read stderr. */
export function registerSshProxy(parent: Command, context: CliContext): void {
  parent
    .command('ssh-proxy <name>', { hidden: true })
    .description('connect stdin and stdout to the SSH endpoint of a dev container')
    .option('--no-up', 'do not bring up a dev container that is not running')
    .option('--no-git', "give git in the container nothing of this user's")
    .action((name: string, options: ProxyOptions) => proxy(context, name, options));
}

async function proxy(context: CliContext, name: string, options: ProxyOptions): Promise<void> {
  const client = await context.engine();
  const target = findTarget(await listTargets(client), name);
  if (!target) throw noSuchTarget(name);
  const [, git] = await Promise.all([options.up && target.state !== 'running' ? bringUp(context, client, target) : undefined, options.git ? gitSettings(target.folder) : undefined]);
  const clientLink = git ? await openClientLink(client) : undefined;
  const request: SshConnect = { localEnv: localEnv(context), ...(git ? { git } : {}), ...(clientLink === undefined ? {} : { clientLink: clientLink.id }) };
  try {
    const path = target.kind === 'devcontainer' ? `/berth/v1/devcontainers/${target.id}/ssh` : `/berth/v1/containers/${target.id}/ssh`;
    const { socket } = await client.hijack('POST', path, { json: request });
    context.signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.on('error', () => undefined); // seen as its end
    context.stdin.on('error', () => socket.destroy());
    context.stdin.pipe(socket);
    socket.pipe(context.stdout);
    if (!socket.closed) await once(socket, 'close');
  } finally {
    clientLink?.close();
    context.stdin.destroy();
  }
}

/** A dev container by its definition, its hooks included; a plain container is only started. */
async function bringUp(context: CliContext, client: ApiClient, target: SshTarget): Promise<void> {
  if (target.kind === 'container') {
    await client.send('POST', `/containers/${target.id}/start`);
    return;
  }
  const json = { folder: target.folder, config: target.configFile, localEnv: localEnv(context) };
  for await (const event of client.lines('POST', '/berth/v1/devcontainers/up', upEventSchema, { json, headers: await registryLogins(context), signal: context.signal })) {
    if (event.type === 'step' && event.status === 'started') context.stderr.write(`berth: ${event.text}\n`);
    if (event.type === 'result' && event.outcome === 'error') throw Object.assign(new Error(`The dev container of ${target.folder} could not be brought up: ${event.message}`), { code: event.code ?? 'UP_FAILED', params: {} });
  }
}
