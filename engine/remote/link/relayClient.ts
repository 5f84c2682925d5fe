import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { relayPath, relayProtocol, relayReceivedHeader, relaySessionHeader } from '../../api/berth/relay.ts';
import { errorBodySchema } from '../../api/error.ts';
import { relayRefused, relaySessionOver } from './errors.ts';

/** What the engine answered: the connection is now the carrier of this session. */
export interface RelayCarrier {
  readonly id: string;
  /** How many of our frames the engine has had. */
  readonly received: number;
  readonly carrier: Duplex;
}

/** Makes a session over a connection to an engine's socket, or resumes one. Throws RELAY_SESSION_OVER, RELAY_REFUSED; the connection is then closed. */
export function askForRelay(connection: Duplex, resume: { readonly id: string; readonly received: number } | undefined, signal: AbortSignal): Promise<RelayCarrier> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      connection.destroy();
      reject(error);
    };
    const asked = request({
      createConnection: () => connection,
      method: 'POST',
      path: relayPath,
      headers: { Host: 'engine', Connection: 'Upgrade', Upgrade: relayProtocol, ...(resume ? { [relaySessionHeader]: resume.id, [relayReceivedHeader]: String(resume.received) } : {}) },
      signal,
    });
    asked.once('upgrade', (response: IncomingMessage, carrier: Duplex, head: Buffer) => {
      if (head.length > 0) carrier.unshift(head);
      const { [relaySessionHeader]: id, [relayReceivedHeader]: received } = response.headers;
      if (typeof id !== 'string' || !/^\d+$/.test(String(received))) fail(relayRefused({ status: 101, detail: 'it names no session' }));
      else resolve({ id, received: Number(received), carrier });
    });
    asked.once('response', (response) => void refusal(response).then(fail, fail));
    asked.once('error', fail);
    asked.end();
  });
}

async function refusal(response: IncomingMessage): Promise<Error> {
  const body = await text(response);
  const status = response.statusCode ?? 0;
  const detail = messageOf(body) ?? (body.trim().slice(0, 500) || 'no reason was given');
  return status === 410 ? relaySessionOver({ detail }) : relayRefused({ status, detail });
}

function messageOf(body: string): string | undefined {
  try {
    return errorBodySchema.parse(JSON.parse(body)).message;
  } catch {
    return undefined;
  }
}
