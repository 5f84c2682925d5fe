import { relayPath, relayProtocol, relayReceivedHeader, relaySessionHeader } from '../../../api/berth/relay.ts';
import { badRequest } from '../../../base/errors.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `POST /berth/v1/relay`: the connection becomes the carrier of a new session, or of one that lost its own. */
export function relayRoutes(relay: Relay): Route[] {
  return [{ method: 'POST', path: relayPath, handle: (context, reply) => carry(relay, context, reply) }];
}

async function carry(relay: Relay, context: RequestContext, reply: Reply): Promise<void> {
  if (context.headers.upgrade !== relayProtocol) throw badRequest({ what: `POST ${relayPath}`, detail: `expected the header Upgrade: ${relayProtocol}` });
  const id = textOf(context.headers[relaySessionHeader]);
  const peerReceived = id === undefined ? 0 : countOf(textOf(context.headers[relayReceivedHeader]));
  const claim = id === undefined ? relay.create() : relay.claim(id);
  reply.header(relaySessionHeader, claim.id);
  reply.header(relayReceivedHeader, String(claim.received));
  relay.attach(claim, await reply.hijack('application/vnd.berth.relay'), peerReceived);
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function countOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw badRequest({ what: `POST ${relayPath}`, detail: `the header ${relayReceivedHeader} must be how many frames have arrived` });
  return Number(text);
}
