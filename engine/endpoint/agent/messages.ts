import { z } from 'zod';

/** Who the agent becomes, and where it starts. Its argument, as JSON. */
export const agentOptionsSchema = z.strictObject({
  mode: z.enum(['sftp', 'relay']),
  uid: z.number(),
  gid: z.number(),
  groups: z.array(z.number()),
  cwd: z.string(),
  home: z.string(),
});
export type AgentOptions = z.infer<typeof agentOptionsSchema>;

const id = z.number();

/** What the engine asks of a relay. */
export const relayRequestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('connectTcp'), id, host: z.string(), port: z.number() }),
  z.strictObject({ kind: z.literal('connectUnix'), id, path: z.string() }),
  z.strictObject({ kind: z.literal('listenTcp'), id, host: z.string(), port: z.number() }),
  /** `replace`: a socket that is there already is taken away. */
  z.strictObject({ kind: z.literal('listenUnix'), id, path: z.string(), replace: z.boolean() }),
  /** A socket in a new folder of its own, in one of these folders: the first in which that can be made. */
  z.strictObject({ kind: z.literal('listenPrivate'), id, folders: z.array(z.string()), name: z.string() }),
  /** Ends the listener that was asked for by this id, and takes its socket away. */
  z.strictObject({ kind: z.literal('close'), id, listener: id }),
]);
export type RelayRequest = z.infer<typeof relayRequestSchema>;

/** What the relay says; a socket travels with the good answers to `connect…` and with every connection to a listener. */
export const relayAnswerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done'), id, port: z.number().optional(), path: z.string().optional() }),
  /** `code`: the system's. */
  z.strictObject({ kind: z.literal('failed'), id, code: z.string() }),
  z.strictObject({ kind: z.literal('connection'), listener: id, address: z.string(), port: z.number() }),
]);
export type RelayAnswer = z.infer<typeof relayAnswerSchema>;
