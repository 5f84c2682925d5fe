import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { keyTypeOf } from './knownHosts.ts';

/** A key that an agent holds. */
export interface AgentKey {
  readonly type: string;
  readonly blob: Buffer;
  readonly comment: string;
}

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_FLAGS: Readonly<Record<string, number>> = { sha256: 2, sha512: 4 };
/** An agent that a person must unlock first can take a while to answer a request to sign, none to list. */
const LIST_MS = 5_000;

/** The keys of an agent at a unix socket or a named pipe; throws when it does not answer. */
export async function listAgentKeys(path: string): Promise<AgentKey[]> {
  const answer = await request(path, Buffer.from([REQUEST_IDENTITIES]), AbortSignal.timeout(LIST_MS));
  if (answer[0] !== IDENTITIES_ANSWER) throw new Error('the agent refused to list its keys');
  const count = answer.readUInt32BE(1);
  const keys: AgentKey[] = [];
  let at = 5;
  for (let index = 0; index < count; index++) {
    const blob = stringAt(answer, at);
    const comment = stringAt(answer, at + 4 + blob.length);
    at += 8 + blob.length + comment.length;
    keys.push({ type: keyTypeOf(blob), blob, comment: comment.toString() });
  }
  return keys;
}

/** A signature by an agent's key, in the SSH format's inner form; throws when the agent (or who it asks) declines. */
export async function signWithAgent(path: string, blob: Buffer, data: Buffer, hash: string | undefined, signal: AbortSignal): Promise<Buffer> {
  const flags = Buffer.alloc(4);
  if (keyTypeOf(blob) === 'ssh-rsa') flags.writeUInt32BE(RSA_FLAGS[hash ?? ''] ?? 0);
  const answer = await request(path, Buffer.concat([Buffer.from([SIGN_REQUEST]), stringOf(blob), stringOf(data), flags]), signal);
  if (answer[0] !== SIGN_RESPONSE) throw new Error('the agent declined to sign');
  const signature = stringAt(answer, 1);
  // string algorithm, string signature
  return stringAt(signature, 4 + stringAt(signature, 0).length);
}

function stringOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function stringAt(bytes: Buffer, at: number): Buffer {
  const length = bytes.readUInt32BE(at);
  if (at + 4 + length > bytes.length) throw new Error('the agent gave an answer that is cut short');
  return bytes.subarray(at + 4, at + 4 + length);
}

/** One question, one answer, one connection: what every agent understands. */
function request(path: string, message: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ path });
    const stop = (): void => void socket.destroy(new Error('the agent did not answer'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readUInt32BE(0)) return;
      resolve(received.subarray(4, 4 + received.readUInt32BE(0)));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      signal.removeEventListener('abort', stop);
      reject(new Error('the agent closed the connection'));
    });
    socket.write(stringOf(message)); // not end: some agents take the end of the question for the end of the conversation
  });
}
