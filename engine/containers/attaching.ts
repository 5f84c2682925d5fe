import type { Duplex } from 'node:stream';
import { resizeTerminal } from '../host/conmon.ts';
import { Attachment } from './attachment.ts';
import type { AttachOptions } from './attachment.ts';
import { announce } from './attributes.ts';
import type { Container } from './container.ts';
import { isPaused, notRunning } from './errors.ts';
import type { ContainerParts } from './parts.ts';

export type AttachWishes = Omit<AttachOptions, 'tty'>;

/** The container, if a client may attach to it now. `ref` is what the client called it. */
export function attachable(container: Container, ref: string): Container {
  if (container.state.status === 'paused') throw isPaused({ id: ref });
  return container;
}

/** Connects a client to a container's stdio: now, or when it starts. Resolves when the client is no longer attached. */
export async function attachClient({ events }: Pick<ContainerParts, 'events'>, container: Container, client: Duplex, wishes: AttachWishes): Promise<void> {
  const attachment = new Attachment(client, { ...wishes, stdin: wishes.stdin && (container.record.config.OpenStdin ?? false), tty: container.tty });
  announce(events, container, 'attach');
  if (container.running) await attachment.connect(container.paths.bundle).catch(() => attachment.abandon());
  else container.attachments.add(attachment);
  await attachment.done;
  if (attachment.byKeys) announce(events, container, 'detach');
  container.attachments.delete(attachment);
  client.end();
}

export async function resizeContainer({ events }: Pick<ContainerParts, 'events'>, container: Container, rows: number, columns: number): Promise<void> {
  if (!container.running) throw notRunning({ id: container.id });
  await resizeTerminal(container.paths.bundle, rows, columns);
  announce(events, container, 'resize', { height: String(rows), width: String(columns) });
}
