import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createFailed, execWithConmon, resizeTerminal } from '../host/conmon.ts';
import { Attachment } from './attachment.ts';
import { execFailure } from './commandFailure.ts';
import type { ExecSession } from './execSession.ts';
import type { ContainerParts } from './parts.ts';

/** Runs an exec with a terminal: conmon makes and holds it. With a client, resolves at the end; without, once the process runs. */
export async function runInTerminal({ runtime }: ContainerParts, session: ExecSession, client: Duplex | undefined, ended: (code: number) => void): Promise<void> {
  const { config, bundle, container } = session;
  const conmon = await execWithConmon(runtime, { containerId: container.id, bundle, processPath: join(bundle, 'process.json'), stdin: client !== undefined && (config.AttachStdin ?? false), attach: client !== undefined });
  const attachment = client && new Attachment(client, { stdin: config.AttachStdin ?? false, stdout: true, stderr: true, tty: true, detachKeys: config.DetachKeys ?? '', brake: conmon.brake });
  try {
    await attachment?.connect(bundle);
    session.pid = (await conmon.start()).pid;
  } catch (error) {
    if (!createFailed.is(error)) throw error;
    const failure = execFailure(String(error.params['detail']), config.Cmd?.[0] ?? '');
    ended(failure.exitCode);
    if (!client) throw failure.error;
    client.end(`${failure.error.message}\r\n`);
    return;
  }
  if (session.size) await resizeTerminal(bundle, session.size.rows, session.size.columns);
  const recorded = conmon.exited.then(ended, () => ended(255));
  if (!attachment) return;
  // Who leaves early (detach keys, a broken connection) is let go at once; others see the end after it is recorded.
  await attachment.done;
  if (!attachment.detached) await recorded;
  client.end();
}
