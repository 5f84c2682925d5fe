import { z } from 'zod';

/** Who the agent becomes, and where it starts. Its argument, as JSON. */
export interface AgentOptions {
  readonly mode: 'sftp' | 'scp' | 'relay';
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly cwd: string;
  readonly home: string;
  /** scp's. */
  readonly args: readonly string[];
}

/** What the engine asks of a relay. */
export type RelayRequest = { readonly id: number } & (
  | { readonly kind: 'connectTcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'connectUnix'; readonly path: string }
  | { readonly kind: 'listenTcp'; readonly host: string; readonly port: number }
  /** `replace`: a socket that is there already is taken away. */
  | { readonly kind: 'listenUnix'; readonly path: string; readonly replace: boolean }
  /** A socket in a new folder of its own, in one of these folders: the first in which that can be made. */
  | { readonly kind: 'listenPrivate'; readonly folders: readonly string[]; readonly name: string }
  /** Ends the listener that was asked for by this id, and takes its socket away. */
  | { readonly kind: 'close'; readonly listener: number }
);

const id = z.number();

/** What the relay says; a socket travels with the good answers to `connect…` and with every connection to a listener. */
export const relayAnswerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done'), id, port: z.number().optional(), path: z.string().optional() }),
  /** `code`: the system's. */
  z.strictObject({ kind: z.literal('failed'), id, code: z.string() }),
  z.strictObject({ kind: z.literal('connection'), listener: id, address: z.string(), port: z.number() }),
]);
export type RelayAnswer = z.infer<typeof relayAnswerSchema>;
