import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { RelayTarget } from '../../api/berth/relay.ts';
import { asBerthError } from '../../base/errors.ts';
import { joinStreams } from '../../base/joinStreams.ts';
import type { MuxSession } from '../../base/mux/muxSession.ts';

export interface StreamServer {
  readonly server: Server;
  /** Connections that are open. */
  readonly connections: () => number;
  close(): void;
}

export interface StreamServerOptions {
  readonly target: RelayTarget;
  readonly need: () => Promise<MuxSession>;
  readonly onChange: () => void;
}

/** Each connection to the server becomes one stream of the session. */
export function createStreamServer({ target, need, onChange }: StreamServerOptions): StreamServer {
  const open = new Set<Socket>();
  const header = Buffer.from(JSON.stringify(target));
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    open.add(socket);
    onChange();
    socket.on('error', () => undefined); // the close tells
    socket.once('close', () => {
      open.delete(socket);
      onChange();
    });
    void serve(socket, header, need, target.kind === 'api');
  });
  return {
    server,
    connections: () => open.size,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

async function serve(socket: Socket, header: Buffer, need: () => Promise<MuxSession>, isHttp: boolean): Promise<void> {
  try {
    const stream = (await need()).open(header);
    if (socket.destroyed) stream.destroy();
    else await joinStreams(socket, stream);
  } catch (error) {
    if (isHttp && !socket.destroyed) refuse(socket, error);
    else socket.destroy();
  }
}

/** To a client that speaks HTTP, why the host cannot be reached. */
function refuse(socket: Socket, error: unknown): void {
  const { message, code, params } = asBerthError(error);
  const body = `${JSON.stringify({ message, code, params })}\n`;
  // Closing before the request was read would lose the answer.
  socket.resume();
  socket.end(`HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}
