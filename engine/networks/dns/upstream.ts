import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { readFrames, writeFrame } from './frames.ts';
import type { Transport } from './answer.ts';

const ANSWER_MS = 2500;

/** Asks the servers in turn, and gives the first answer as it came; `undefined`: none of them answered. */
export async function askUpstream(servers: readonly string[], message: Buffer, transport: Transport): Promise<Buffer | undefined> {
  for (const server of servers) {
    const answer = await (transport === 'udp' ? askByUdp(server, message) : askByTcp(server, message)).catch(() => undefined);
    if (answer) return answer;
  }
  return undefined;
}

/** A socket, and so a port that nobody can guess, for each question; connected, so that only the server asked is heard. */
function askByUdp(server: string, message: Buffer): Promise<Buffer> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  return inTime((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (answer) => {
      if (isAnswerTo(answer, message)) resolve(answer);
    });
    socket.connect(53, server, () => socket.send(message));
  }).finally(() => socket.close());
}

function askByTcp(server: string, message: Buffer): Promise<Buffer> {
  const socket = connect({ host: server, port: 53 }, () => writeFrame(socket, message));
  return inTime((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
    readFrames(socket, (answer) => {
      if (isAnswerTo(answer, message)) resolve(answer);
    });
  }).finally(() => socket.destroy());
}

function isAnswerTo(answer: Buffer, message: Buffer): boolean {
  return answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0);
}

function inTime(work: (resolve: (answer: Buffer) => void, reject: (error: Error) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), ANSWER_MS);
    work(
      (answer) => {
        clearTimeout(timer);
        resolve(answer);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
