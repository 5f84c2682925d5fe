import type { Command } from 'commander';
import { containerInspectSchema, waitResultSchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { runSession } from '../../terminal/session.ts';
import { forwardSignals } from '../../terminal/signals.ts';
import { containerOf, referenceHelp } from './reference.ts';

/** `berth attach`. */
export function registerAttach(parent: Command, context: CliContext): void {
  parent
    .command('attach <container>')
    .summary('join the terminal of a running container')
    .description(`join the terminal of a running container. ${referenceHelp}`)
    .option('--no-stdin', 'do not pass stdin on')
    .option('--no-sig-proxy', 'do not pass signals on')
    .option('--detach-keys <keys>', 'keys that leave it running (default: ctrl-p,ctrl-q)')
    .action((container: string, options: { stdin: boolean; sigProxy: boolean; detachKeys?: string }) => attach(context, container, options));
}

async function attach(context: CliContext, reference: string, options: { stdin: boolean; sigProxy: boolean; detachKeys?: string }): Promise<void> {
  const client = await context.engine();
  const details = await client.json('GET', `/containers/${await containerOf(context, client, reference)}/json`, containerInspectSchema);
  const id = details.Id;
  const tty = details.Config.Tty ?? false;
  const stdin = options.stdin && details.Config.OpenStdin === true;
  const waiting = new AbortController();
  const exit = client.json('POST', `/containers/${id}/wait`, waitResultSchema, { signal: waiting.signal });
  exit.catch(() => undefined);
  const { socket } = await client.hijack('POST', `/containers/${id}/attach`, { query: { stream: 1, stdin: stdin ? 1 : 0, stdout: 1, stderr: 1 } });
  const stopForwarding = tty || !options.sigProxy ? () => undefined : forwardSignals((signal) => void client.send('POST', `/containers/${id}/kill`, { query: { signal } }).catch(() => undefined));
  try {
    const end = await runSession(context, socket, { tty, stdin, detachKeys: options.detachKeys, resize: ({ rows, columns }) => client.send('POST', `/containers/${id}/resize`, { query: { h: rows, w: columns } }) });
    if (end === 'ended') context.setExitStatus((await exit).StatusCode);
  } finally {
    stopForwarding();
    waiting.abort();
  }
}
