import { RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE, decode, encode } from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';
import { canonicalAddress } from '../ipv6.ts';
import type { Zone } from './zone.ts';

/** Names follow containers that are started, stopped and connected at any time: nobody should remember them for long. */
const TTL = 1;
/** What a client that says nothing else takes by UDP. */
const UDP_SIZE = 512;

export const rcode = { serverFailure: 2, noSuchName: 3, refused: 5 } as const;
export type Transport = 'udp' | 'tcp';

/** The query in a message; `undefined`: it is none, and nothing is to be answered. */
export function parseQuery(message: Buffer): DecodedPacket | undefined {
  try {
    const packet = decode(message);
    return packet.type === 'query' && packet.questions?.length === 1 ? packet : undefined;
  } catch {
    return undefined;
  }
}

/** The answer to what a zone knows; `undefined`: somebody else must be asked. `turn` makes each of several addresses the first one in turn. */
export function answerFrom(zone: Zone, query: DecodedPacket, transport: Transport, turn: number): Buffer | undefined {
  const [question] = query.questions ?? [];
  if (!question) return undefined;
  const name = question.name.replace(/\.$/, '');
  const reversed = reversedAddress(name);
  if (reversed !== undefined) {
    const data = zone.nameOf(reversed);
    return data === undefined ? undefined : respond(query, transport, question.type === 'PTR' ? [{ type: 'PTR', name: question.name, ttl: TTL, data }] : []);
  }
  const type = question.type === 'AAAA' ? 'AAAA' : 'A';
  const addresses = zone.addressesOf(name, type === 'A' ? 4 : 6);
  if (!addresses) return undefined;
  const first = addresses.length === 0 ? 0 : turn % addresses.length;
  const inTurn = [...addresses.slice(first), ...addresses.slice(0, first)];
  // The name is ours: that it has no address of this family, no mail server, … is the answer too.
  return respond(query, transport, question.type === type ? inTurn.map((data) => ({ type, name: question.name, ttl: TTL, data })) : []);
}

/** The addresses in somebody else's answer, with the time that each is good for in seconds. Throws when it is damaged. */
export function addressesIn(message: Buffer): Array<{ readonly address: string; readonly ttl: number }> {
  return (decode(message).answers ?? []).flatMap((answer) => (answer.type === 'A' || answer.type === 'AAAA' ? [{ address: canonicalAddress(answer.data), ttl: answer.ttl ?? 0 }] : []));
}

/** The address that is asked about backwards; `undefined`: it is another name. */
function reversedAddress(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i.exec(name);
  if (four) return four.slice(1).reverse().join('.');
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i.exec(name);
  return six ? canonicalAddress((six[1] ?? '').split('.').reverse().join('').replace(/(.{4})(?!$)/g, '$1:')) : undefined;
}

/** An answer that says only why there is none. */
export function refuse(query: DecodedPacket, code: (typeof rcode)[keyof typeof rcode]): Buffer {
  return encode({ type: 'response', id: query.id ?? 0, flags: flagsOf(query) | code, questions: query.questions ?? [] });
}

function respond(query: DecodedPacket, transport: Transport, answers: Answer[]): Buffer {
  const packet = { type: 'response', id: query.id ?? 0, flags: flagsOf(query), questions: query.questions ?? [] } as const;
  const whole = encode({ ...packet, answers });
  // The client asks again by TCP.
  return transport === 'udp' && whole.length > UDP_SIZE ? encode({ ...packet, flags: packet.flags | TRUNCATED_RESPONSE }) : whole;
}

function flagsOf(query: DecodedPacket): number {
  return ((query.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE;
}
