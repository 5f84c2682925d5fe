import { connect } from 'node:net';
import { finished } from 'node:stream/promises';
import type { ApiClient } from '../api/client.ts';
import type { CliContext } from './context.ts';

/** `berth engine dial-stdio`: our standard input and output become a connection to the engine's socket, for links that cannot be forwarded to it. */
export async function dialStdio({ stdin, stdout }: CliContext, client: ApiClient): Promise<void> {
  const socket = connect({ path: client.socketPath, allowHalfOpen: true });
  stdin.pipe(socket).pipe(stdout, { end: false });
  try {
    await finished(socket, { writable: false });
  } finally {
    socket.destroy();
    stdin.destroy();
  }
}
