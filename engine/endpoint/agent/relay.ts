import { Socket } from 'node:net';
import { readRequest } from './fromEngine.ts';
import { asBytes, systemError } from './insideRoot.ts';
import type { InsideRoot } from './insideRoot.ts';
import { Listeners } from './listeners.ts';
import type { Opened } from './listeners.ts';
import type { RelayAnswer, RelayRequest } from './messages.ts';
import { resolveHost } from './resolveHost.ts';

/** Opens sockets inside the container for the engine and hands them over: from then on bytes flow without this process. Ends with the engine. */
export function serveRelay(inside: InsideRoot): void {
  const listeners = new Listeners(inside, (listener, socket) => send({ kind: 'connection', listener, address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }, socket));
  process.on('message', (message) => {
    const request = readRequest(message);
    void perform(inside, listeners, request).then(
      (result) => (result instanceof Socket ? send({ kind: 'done', id: request.id }, result) : send({ kind: 'done', id: request.id, ...result })),
      (error: unknown) => send({ kind: 'failed', id: request.id, code: codeOf(error) }),
    );
  });
  const leave = (status: number): void => {
    listeners.closeAll();
    process.exit(status);
  };
  process.on('disconnect', () => leave(0));
  process.on('uncaughtException', () => leave(1));
}

async function perform(inside: InsideRoot, listeners: Listeners, request: RelayRequest): Promise<Socket | Opened> {
  switch (request.kind) {
    case 'connectTcp':
      return connectTcp(inside, request.host, request.port);
    case 'connectUnix':
      return connectUnix(inside, asBytes(request.path));
    case 'listenTcp':
      return listeners.tcp(request.id, request.host, request.port);
    case 'listenUnix':
      return listeners.unix(request.id, asBytes(request.path), request.replace);
    case 'listenPrivate':
      return listeners.private(request.id, request.folders, request.name);
    case 'close':
      listeners.close(request.listener);
      return {};
  }
}

async function connectTcp(inside: InsideRoot, host: string, port: number): Promise<Socket> {
  let failure: unknown = systemError('ENOTFOUND', host);
  for (const address of await resolveHost(inside, host)) {
    try {
      return await connected((socket) => socket.connect(port, address));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function connectUnix(inside: InsideRoot, path: string): Promise<Socket> {
  using place = inside.find(path, true);
  if (place.stats && !place.stats.isSocket()) throw systemError('ECONNREFUSED', path);
  const { object } = place;
  return await connected((socket) => socket.connect(object));
}

/** Reads nothing: what the other side says first is for whom the socket is handed to. */
function connected(begin: (socket: Socket) => void): Promise<Socket> {
  const socket = new Socket({ allowHalfOpen: true });
  socket.on('error', () => undefined); // after it is connected, whoever it is handed to sees that
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
    socket.pause();
    begin(socket);
  });
}

function send(answer: RelayAnswer, socket?: Socket): void {
  if (process.connected) process.send?.(answer, socket, {}, () => undefined);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
}
