import type { Socket } from 'node:net';

/** DNS over TCP: each message behind its length in two bytes. */
export function readFrames(socket: Socket, onMessage: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = frameEnd(rest); rest.length >= end; end = frameEnd(rest)) {
      onMessage(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
}

export function writeFrame(socket: Socket, message: Buffer): void {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  socket.write(Buffer.concat([length, message]));
}

function frameEnd(bytes: Buffer): number {
  return bytes.length < 2 ? Infinity : 2 + bytes.readUInt16BE(0);
}
