import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { ChannelWriter } from './channelWriter.ts';

/** Joins a channel and a socket, each direction on its own: one may end while the other goes on. Resolves when both have ended. */
export async function join(channel: ServerChannel, socket: Socket): Promise<void> {
  channel.once('close', () => socket.destroy());
  channel.on('error', () => socket.destroy());
  await Promise.all([toSocket(channel, socket), toChannel(channel, socket)]);
  channel.end();
}

function toSocket(channel: ServerChannel, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    channel.on('data', (chunk: Buffer) => {
      if (!socket.destroyed && !socket.write(chunk)) channel.pause();
    });
    socket.on('drain', () => channel.resume());
    channel.once('end', () => {
      if (!socket.destroyed) socket.end();
      resolve();
    });
    socket.once('close', () => {
      channel.resume(); // what still comes has nowhere to go
      resolve();
    });
  });
}

async function toChannel(channel: ServerChannel, socket: Socket): Promise<void> {
  const writer = new ChannelWriter(channel);
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await writer.write(chunk as Buffer);
  } catch {
    channel.close(); // reset by the other side: nothing more goes either way
    return;
  }
  channel.eof();
}
