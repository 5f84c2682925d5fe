import { connect } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { ApiClient, ApiError } from '../../api/client.ts';
import { keeperFiles } from './keeperStart.ts';

const specSchema = z.looseObject({ proto: z.string(), parentIP: z.string().default(''), parentPort: z.number(), childIP: z.string().default(''), childPort: z.number() });
const portSchema = z.looseObject({ id: z.number(), spec: specSchema });

/** A port of the host (the parent) and where in the namespace it leads (the child). */
export type KitPort = z.infer<typeof specSchema>;

/** rootlesskit's port driver, by its API. */
export class PortDriver {
  readonly #socketPath: string;
  readonly #client: ApiClient;

  constructor(keeperFolder: string) {
    this.#socketPath = kitSocket(keeperFolder);
    this.#client = new ApiClient(this.#socketPath, '');
  }

  /** Fine if it is there already. Throws an error with the system's code: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
  async add(port: KitPort): Promise<void> {
    try {
      await this.#client.send('POST', '/v1/ports', { json: port });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (/conflict with ID/.test(error.message) && (await this.#list()).some(({ spec }) => isSame(spec, port))) return;
      throw Object.assign(new Error(error.message, { cause: error }), { code: codeOf(error.message) });
    }
  }

  async removeWhere(doomed: (port: KitPort) => boolean): Promise<void> {
    for (const { id, spec } of await this.#list()) if (doomed(spec)) await this.#client.send('DELETE', `/v1/ports/${id}`);
  }

  #list(): Promise<z.infer<typeof portSchema>[]> {
    return this.#client.json('GET', '/v1/ports', z.array(portSchema).nullable().transform((ports) => ports ?? []));
  }
}

/** Calls back when the keeper is gone: the kernel closes the connection. Nobody hears of it after `stop`. */
export function whenKeeperLeaves(keeperFolder: string, left: () => void): { stop(): void } {
  const socket = connect(kitSocket(keeperFolder));
  socket.unref();
  socket.on('error', () => undefined).once('close', left);
  return { stop: () => void socket.off('close', left).destroy() };
}

function kitSocket(keeperFolder: string): string {
  return join(keeperFolder, keeperFiles.kit, 'api.sock');
}

function isSame(one: KitPort, other: KitPort): boolean {
  return one.proto === other.proto && one.parentIP === other.parentIP && one.parentPort === other.parentPort && one.childIP === other.childIP && one.childPort === other.childPort;
}

/** In the words of Go's system errors, and of rootlesskit for ports that it has given already. */
function codeOf(message: string): string {
  if (/address already in use|conflict with ID/.test(message)) return 'EADDRINUSE';
  if (/permission denied|privileged port/.test(message)) return 'EACCES';
  if (/cannot assign requested address|address family not supported/.test(message)) return 'EADDRNOTAVAIL';
  return 'EIO';
}
