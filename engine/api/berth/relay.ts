import { z } from 'zod';

/**
 * `POST /berth/v1/relay` with `Upgrade: berth-relay/1`: the connection becomes the carrier of a session of many streams (engine/base/mux).
 * Without the session header a new session is made; the answer (101) names it. With it, and with how many frames this end has had,
 * the session goes on; the answer says how many the engine has had. 410 RELAY_SESSION_UNKNOWN: it is over.
 */
export const relayPath = '/berth/v1/relay';
export const relayProtocol = 'berth-relay/1';
export const relaySessionHeader = 'berth-relay-session';
export const relayReceivedHeader = 'berth-relay-received';

const port = z.int().min(1).max(65535);

/** Where a stream leads: the header of its OPEN frame, as JSON. */
export const relayTargetSchema = z.discriminatedUnion('kind', [
  /** The engine's own HTTP server. */
  z.object({ kind: z.literal('api') }),
  /** A TCP port of a container, by its address in its network. */
  z.object({ kind: z.literal('container-port'), container: z.string(), port }),
  /** A TCP port of the engine's own loopback. */
  z.object({ kind: z.literal('host-port'), port }),
]);
export type RelayTarget = z.infer<typeof relayTargetSchema>;
