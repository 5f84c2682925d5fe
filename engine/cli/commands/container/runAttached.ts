import { waitResultSchema } from '../../../api/docker/containerView.ts';
import type { ApiClient } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { runSession } from '../../terminal/session.ts';
import { forwardSignals } from '../../terminal/signals.ts';

export interface AttachOptions {
  /** Which streams are joined. */
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The container has a terminal. */
  readonly tty: boolean;
  /** When it is over. */
  readonly condition: 'next-exit' | 'removed';
  /** Signals that we get go to it. */
  readonly sigProxy: boolean;
  readonly detachKeys?: string | undefined;
}

/** Joins a container that was made, and starts it; its exit status becomes ours. */
export async function runAttached(context: CliContext, client: ApiClient, id: string, options: AttachOptions): Promise<void> {
  const { tty, stdin, stdout, stderr, condition } = options;
  const { socket } = await client.hijack('POST', `/containers/${id}/attach`, { query: { stream: 1, stdin: stdin ? 1 : 0, stdout: stdout ? 1 : 0, stderr: stderr ? 1 : 0 } });
  // Waiting begins before the start, or a short-lived container could be gone first.
  const waiting = new AbortController();
  const exit = client.json('POST', `/containers/${id}/wait`, waitResultSchema, { query: { condition }, signal: waiting.signal });
  exit.catch(() => undefined);
  const stopForwarding = tty || !options.sigProxy ? () => undefined : forwardSignals((signal) => void client.send('POST', `/containers/${id}/kill`, { query: { signal } }).catch(() => undefined));
  try {
    await client.send('POST', `/containers/${id}/start`);
    const end = await runSession(context, socket, { tty, stdin, detachKeys: options.detachKeys, resize: ({ rows, columns }) => client.send('POST', `/containers/${id}/resize`, { query: { h: rows, w: columns } }) });
    if (end === 'ended') context.setExitStatus((await exit).StatusCode);
  } finally {
    stopForwarding();
    waiting.abort();
    socket.destroy();
  }
}
