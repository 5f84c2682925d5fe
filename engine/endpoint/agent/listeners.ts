import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { beginPrivately } from '../../base/privateSocket.ts';
import { systemError } from './insideRoot.ts';
import type { InsideRoot, Place } from './insideRoot.ts';

/** Where a listener is. */
export interface Opened {
  readonly port?: number;
  readonly path?: string;
}

interface Listener {
  readonly server: Server;
  readonly cleanUp: () => void;
}

/** Sockets that listen inside the container, by the id of the request that made them. */
export class Listeners {
  readonly #inside: InsideRoot;
  readonly #onConnection: (listener: number, socket: Socket) => void;
  readonly #open = new Map<number, Listener>();

  constructor(inside: InsideRoot, onConnection: (listener: number, socket: Socket) => void) {
    this.#inside = inside;
    this.#onConnection = onConnection;
  }

  async tcp(id: number, host: string, port: number): Promise<Opened> {
    const server = this.#server(id, () => undefined);
    await this.#listening(id, server, () => server.listen(port, host));
    const address = server.address();
    return { port: address !== null && typeof address === 'object' ? address.port : port };
  }

  async unix(id: number, path: string, replace: boolean): Promise<Opened> {
    const folder = path.slice(0, path.lastIndexOf('/'));
    // GnuPG's folder may not be there yet, and is the user's alone.
    if (folder.endsWith('/.gnupg')) this.#inside.makeFolders(folder, 0o700);
    const place = this.#inside.find(path, false);
    if (replace && place.stats?.isSocket()) attempt(() => unlinkSync(place.entry));
    await this.#listenAt(id, place, () => undefined);
    return { path };
  }

  /** A socket in a new folder that only the user may enter. */
  async private(id: number, parents: readonly string[], name: string): Promise<Opened> {
    let failure: unknown = systemError('ENOENT', parents.join(', '));
    for (const parent of parents) {
      try {
        const folder = `${parent}/berth-${randomBytes(8).toString('hex')}`;
        const made = this.#makeFolder(folder);
        const leave = (): void => {
          attempt(() => rmdirSync(made.entry));
          made[Symbol.dispose]();
        };
        await this.#listenAt(id, this.#inside.find(`${folder}/${name}`, false), leave);
        return { path: `${folder}/${name}` };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #makeFolder(path: string): Place {
    const place = this.#inside.find(path, false);
    try {
      mkdirSync(place.entry, { mode: 0o700 });
      return place;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  close(id: number): void {
    const listener = this.#open.get(id);
    this.#open.delete(id);
    listener?.server.close();
    listener?.cleanUp();
  }

  closeAll(): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  /** For its owner only, as OpenSSH makes them. The place stays open until the listener is closed: the socket is taken away by it. */
  async #listenAt(id: number, place: Place, after: () => void): Promise<void> {
    let bound = false;
    const server = this.#server(id, () => {
      if (bound) attempt(() => unlinkSync(place.entry)); // what was there before is not ours
      after();
      place[Symbol.dispose]();
    });
    await this.#listening(id, server, () => {
      beginPrivately(server, place.entry.toString('utf8'));
      bound = server.listening;
    });
  }

  /** Known from the start, not from when it listens: whoever closes all meanwhile takes away what this one has made so far. */
  #server(id: number, cleanUp: () => void): Server {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => undefined); // whoever it is handed to sees its end
      this.#onConnection(id, socket);
    });
    this.#open.set(id, { server, cleanUp });
    return server;
  }

  #listening(id: number, server: Server, begin: () => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('close', () => reject(systemError('ECANCELED', 'the listener')));
      server.once('listening', resolve);
      begin();
    }).catch((error: unknown) => {
      this.close(id);
      throw error;
    });
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // it is gone already, or is another's by now
  }
}
