import { randomBytes } from 'node:crypto';
import { mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
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
    const server = await this.#listen(id, (made) => made.listen(port, host));
    this.#open.set(id, { server, cleanUp: () => undefined });
    const address = server.address();
    return { port: address !== null && typeof address === 'object' ? address.port : port };
  }

  async unix(id: number, path: string, replace: boolean): Promise<Opened> {
    const folder = path.slice(0, path.lastIndexOf('/'));
    // GnuPG's folder may not be there yet, and is the user's alone.
    if (folder.endsWith('/.gnupg')) this.#inside.makeFolders(folder, 0o700);
    const place = this.#inside.find(path, false);
    try {
      if (replace && place.stats?.isSocket()) unlinkSync(place.entry);
      await this.#listenAt(id, place, () => undefined);
      return { path };
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  /** A socket in a new folder that only the user may enter. */
  async private(id: number, parents: readonly string[], name: string): Promise<Opened> {
    let failure: unknown = systemError('ENOENT', parents.join(', '));
    for (const parent of parents) {
      try {
        const folder = `${parent}/berth-${randomBytes(8).toString('hex')}`;
        const made = this.#inside.find(folder, false);
        mkdirSync(made.entry, { mode: 0o700 });
        await this.#listenAt(id, this.#inside.find(`${folder}/${name}`, false), () => {
          attempt(() => rmdirSync(made.entry));
          made[Symbol.dispose]();
        });
        return { path: `${folder}/${name}` };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
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

  /** For its owner only, as OpenSSH makes them. The place stays open: the socket is taken away by it. */
  async #listenAt(id: number, place: Place, after: () => void): Promise<void> {
    const before = process.umask(0o177);
    const begun = this.#listen(id, (made) => made.listen(place.entry.toString('utf8')));
    process.umask(before); // the socket is bound by now
    const server = await begun;
    this.#open.set(id, {
      server,
      cleanUp: () => {
        attempt(() => unlinkSync(place.entry));
        after();
        place[Symbol.dispose]();
      },
    });
  }

  #listen(id: number, begin: (server: Server) => void): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => undefined); // whoever it is handed to sees its end
      this.#onConnection(id, socket);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => resolve(server));
      begin(server);
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
