import type { Duplex } from 'node:stream';
import { createFailed, execWithConmon, resizeTerminal } from '../host/conmon.ts';
import { Attachment } from './attachment.ts';
import { commandFailure } from './commandFailure.ts';
import type { ExecSession } from './execSession.ts';
import type { ContainerParts } from './parts.ts';
import { join } from 'node:path';

const STAGE = 'OCI runtime exec failed: exec failed';

/** Runs an exec with a terminal: conmon makes and holds it. With a client, resolves at the end; without, once the process runs. */
export async function runInTerminal({ runtime }: ContainerParts, session: ExecSession, client: Duplex | undefined, ended: (code: number) => void): Promise<void> {
  const { config, bundle, container } = session;
  const conmon = await execWithConmon(runtime, { containerId: container.id, bundle, processPath: join(bundle, 'process.json'), stdin: client !== undefined && (config.AttachStdin ?? false), attach: client !== undefined });
  const attachment = client && new Attachment(client, { stdin: config.AttachStdin ?? false, stdout: true, stderr: true, tty: true, detachKeys: config.DetachKeys ?? '' });
  try {
    await attachment?.connect(bundle);
    session.pid = (await conmon.start()).pid;
  } catch (error) {
    const known = createFailed.is(error) ? commandFailure(String(error.params['detail']), config.Cmd?.[0] ?? '', STAGE) : undefined;
    ended(known?.exitCode ?? 126);
    if (!client) throw known?.error ?? error;
    client.end(`${known?.error.message ?? (error instanceof Error ? error.message : String(error))}\r\n`);
    return;
  }
  if (session.size) await resizeTerminal(bundle, session.size.rows, session.size.columns);
  const recorded = conmon.exited.then(ended, () => ended(255));
  if (!attachment) return;
  await recorded;
  await attachment.done;
}
