import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import type { Algorithms } from 'ssh2';
import { EndpointConnection } from './connection.ts';
import type { ConnectionParts } from './connection.ts';

/**
 * What Node's own cryptography does fast comes first. chacha20-poly1305 is left out: OpenSSH would choose it before the others, and without ssh2's
 * compiled parts it is several times slower.
 */
const algorithms: Algorithms = { cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes256-ctr', 'aes128-ctr'], compress: ['none'] };

/** A unix socket says when it breaks: asking whether the client still lives would only end connections of computers that sleep. */
const NEVER_MS = 24 * 3600 * 1000;

/** Speaks SSH, as a server, on one connection. Resolves when it has ended. */
export async function serveSsh(stream: Duplex, parts: Omit<ConnectionParts, 'verify'>, onConnection: (connection: EndpointConnection) => void): Promise<void> {
  const server = new ssh2.Server({ hostKeys: [parts.target.hostKey], algorithms, ident: 'Berth', keepaliveInterval: NEVER_MS, keepaliveCountMax: 1 });
  server.on('connection', (client) => onConnection(new EndpointConnection(client, { ...parts, verify: verifySignature })));
  server.on('error', (error: unknown) => parts.log.warn('an SSH server had an error', { error }));
  // Half an SSH connection is none: a client that was killed has only ended its side.
  stream.once('end', () => stream.end());
  // A stream of a remote client's link is no socket; ssh2 asks no more of it than a Duplex has.
  server.injectSocket(stream as Socket);
  if (!stream.destroyed) await once(stream, 'close');
}

const verifySignature: ConnectionParts['verify'] = (publicKey, { blob, signature, hashAlgo }) => {
  const key = ssh2.utils.parseKey(publicKey);
  if (key instanceof Error || blob === undefined || signature === undefined) return false;
  return key.verify(blob, signature, hashAlgo) === true;
};
