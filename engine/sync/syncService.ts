import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import type { Duplex } from 'node:stream';
import { removeTempFiles } from '../base/atomicFile.ts';
import { systemCode } from '../base/errors.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { Replica } from '../base/replica/replica.ts';
import { run } from '../host/process.ts';
import { addLines, makeOutside } from '../state/madeFolders.ts';
import { ContextFolders } from './contextFolders.ts';
import { syncFolderRefused } from './errors.ts';
import { sendChanged, serveReplica } from './serveReplica.ts';

export interface SyncServiceParts {
  readonly dataRoot: string;
  readonly log: Log;
  /** The home that `~` means; default: the engine's user's. */
  readonly home?: string;
}

/** A folder that a client is connected to. */
export interface OpenSync {
  readonly id: string;
  readonly root: string;
  /** RFC 3339. */
  readonly since: string;
}

interface Connection extends OpenSync {
  end(): Promise<void>;
}

/** Folders of this host that clients keep equal with theirs, and build contexts that they send. */
export class SyncService {
  readonly #parts: SyncServiceParts;
  readonly #folder: string;
  readonly #contexts: ContextFolders;
  readonly #open = new Map<string, Connection>();
  readonly #connecting = new KeyedMutex();

  constructor(parts: SyncServiceParts) {
    this.#parts = parts;
    this.#folder = join(parts.dataRoot, 'sync');
    this.#contexts = new ContextFolders(join(parts.dataRoot, 'build-contexts'));
  }

  /** Clears what a killed engine left, and contexts that nobody has used for long. */
  async reconcile(): Promise<void> {
    await removeTempFiles(this.#folder);
    await this.#contexts.prune();
  }

  list(): OpenSync[] {
    return [...this.#open.values()].map(({ id, root, since }) => ({ id, root, since }));
  }

  /** Opens a folder for a client; an earlier connection of the same sync ends. Throws SYNC_FOLDER_REFUSED, SYNC_ROOT_UNUSABLE. `serve` takes the stream once it is there. */
  async connect(id: string, folder: string): Promise<(stream: Duplex) => Promise<void>> {
    const root = this.#allowed(folder);
    // Two that come at once: the second waits until the first is there to be ended.
    return this.#connecting.run(id, () => this.#connect(id, root));
  }

  async #connect(id: string, root: string): Promise<(stream: Duplex) => Promise<void>> {
    await this.#open.get(id)?.end();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#make(root);
    const told: { change?: () => void } = {};
    const replica = await Replica.open({
      root,
      id,
      create: true,
      indexFile: join(this.#folder, `${id}.index`),
      onChange: () => told.change?.(),
      settle: (path) => this.#settle(path),
    });
    const waiting = { id, root: replica.root, since: new Date().toISOString(), end: () => replica.close() };
    this.#open.set(id, waiting);
    return (stream) => {
      if (this.#open.get(id) !== waiting) return Promise.resolve(void stream.destroy());
      told.change = () => sendChanged(stream);
      return this.#serve(id, replica, stream);
    };
  }

  /** Opens a client's build context; one at a time. The folder stays as it is until the stream ends. */
  async connectContext(id: string): Promise<(stream: Duplex) => Promise<void>> {
    const lease = await this.#contexts.lease(id);
    try {
      const replica = await Replica.open({ root: lease.root, id, create: true, indexFile: lease.indexFile });
      return async (stream) => {
        try {
          await this.#serve(`context ${id}`, replica, stream);
        } finally {
          lease.release();
        }
      };
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Forgets what was learnt about a sync. The folder stays. */
  async forget(id: string): Promise<void> {
    await this.#open.get(id)?.end();
    await rm(join(this.#folder, `${id}.index`), { force: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((connection) => connection.end()));
  }

  async #serve(id: string, replica: Replica, stream: Duplex): Promise<void> {
    const served = serveReplica(stream, replica).finally(() => replica.close());
    const connection: Connection = {
      id,
      root: replica.root,
      since: new Date().toISOString(),
      end: async () => {
        stream.destroy();
        await served.catch(() => undefined);
      },
    };
    this.#open.set(id, connection);
    try {
      await served;
    } finally {
      if (this.#open.get(id) === connection) this.#open.delete(id);
    }
  }

  /** A folder in the place that is taken when nobody names one is Berth's own copy, which a purge removes. */
  async #make(root: string): Promise<void> {
    const { dataRoot, home = homedir() } = this.#parts;
    const isCopy = dirname(dirname(root)) === join(home, 'berth');
    const made = await makeOutside(dataRoot, root, 0o755).catch((error: unknown) => {
      throw syncFolderRefused({ path: root, detail: `it cannot be made (${systemCode(error) ?? String(error)})` }, { cause: error });
    });
    if (made && isCopy) await addLines(join(this.#folder, 'copies'), [root]);
  }

  #allowed(folder: string): string {
    const { home = homedir(), dataRoot } = this.#parts;
    const path = normalize(folder === '~' || folder.startsWith('~/') ? join(home, folder.slice(1)) : folder).replace(/(.)\/+$/, '$1');
    if (!path.startsWith('/')) throw syncFolderRefused({ path: folder, detail: 'it is not absolute (only ~ may stand in front)' });
    if (path === '/') throw syncFolderRefused({ path, detail: 'it is the whole host' });
    if (path === dataRoot || path.startsWith(`${dataRoot}/`) || dataRoot.startsWith(`${path}/`)) throw syncFolderRefused({ path, detail: "the engine's own data is there" });
    return path;
  }

  /** One call for the whole file system: a flush for each of ten thousand files would take minutes. */
  async #settle(path: string): Promise<void> {
    await run('sync', ['-f', path]);
  }
}
