import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';

const LIMIT = 1024 * 1024;

/**
 * The body of an upgrade request. Node hands the connection over right after the headers, so a body announced by
 * Content-Length is still in `head` or on its way; what follows it belongs to the raw stream and is put back.
 */
export async function readUpgradeBody(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Readable> {
  const length = Math.min(Number(request.headers['content-length'] ?? 0) || 0, LIMIT);
  let buffered = head;
  while (buffered.length < length) {
    const chunk = await nextChunk(socket);
    if (chunk === undefined) break;
    buffered = Buffer.concat([buffered, chunk]);
  }
  if (buffered.length > length) socket.unshift(buffered.subarray(length));
  return Readable.from(length > 0 ? [buffered.subarray(0, length)] : []);
}

function nextChunk(socket: Duplex): Promise<Buffer | undefined> {
  const ready = socket.read() as Buffer | null;
  if (ready !== null) return Promise.resolve(ready);
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('readable', settle);
      socket.off('end', settle);
      socket.off('close', settle);
      resolve((socket.read() as Buffer | null) ?? undefined);
    };
    socket.on('readable', settle);
    socket.on('end', settle);
    socket.on('close', settle);
  });
}
