import { access, chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTempFiles, writeFileAtomic } from '../base/atomicFile.ts';
import { isFull, nameInUse } from '../base/errors.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { unmountInside } from '../host/mounts.ts';
import { readJsonFile } from '../state/jsonFile.ts';
import { Container, containerPaths } from './container.ts';
import type { ContainerPaths } from './container.ts';
import { resolveInside } from './rootfs.ts';
import { giveToRoot } from './ownIds.ts';
import { isFile, makeMountPoints, usualPlaces } from './skeleton.ts';
import { ambiguousContainer, noSuchContainer } from './errors.ts';
import { lostState } from './lostState.ts';
import { freshState, recordSchema, stateSchema } from './record.ts';
import type { ContainerRecord, ContainerState } from './record.ts';

/** How long after a full disk states are written again. */
const RETRY_MS = 2_000;
const ID = /^[0-9a-f]{64}$/;

/** All containers, in memory and in `containers/`. A folder without config.json was never a container; one with `removing` is finished off by whoever loads. */
export class ContainerStore {
  readonly folder: string;
  readonly #dataRoot: string;
  readonly #runRoot: string;
  readonly #log: Log;
  readonly #byId = new Map<string, Container>();
  /** Name to id; also of containers that are being created. */
  readonly #names = new Map<string, string>();
  /** Their states could not be written yet. */
  readonly #saves = new KeyedMutex();
  readonly #unsaved = new Set<Container>();
  #retry: NodeJS.Timeout | undefined;

  constructor(dataRoot: string, runRoot: string, log: Log) {
    this.#dataRoot = dataRoot;
    this.#runRoot = runRoot;
    this.#log = log;
    this.folder = join(dataRoot, 'containers');
  }

  paths(id: string): ContainerPaths {
    return containerPaths(this.#dataRoot, this.#runRoot, id);
  }

  /** Reads every container; returns the ids of folders that hold none, for the caller to remove, and of those whose description was damaged. */
  async load(): Promise<{ readonly strays: string[]; readonly damaged: string[] }> {
    await mkdir(this.folder, { recursive: true, mode: 0o711 });
    const strays: string[] = [];
    const damaged: string[] = [];
    for (const id of (await readdir(this.folder)).filter((name) => ID.test(name))) {
      const paths = this.paths(id);
      await removeTempFiles(paths.folder);
      const record = await readJsonFile(join(paths.folder, 'config.json'), recordSchema, this.#log);
      if (!record) {
        // Files of a container whose description was damaged are not ours to throw away: it has been set aside beside them.
        ((await readdir(paths.folder)).some((name) => name.startsWith('config.json.damaged-')) ? damaged : strays).push(id);
        continue;
      }
      this.#byId.set(id, new Container(record, await this.#loadState(paths), paths));
      this.#names.set(record.name, id);
    }
    return { strays, damaged };
  }

  list(): Container[] {
    return [...this.#byId.values()];
  }

  get(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** The container meant by a full id, a name (with or without its slash), or the beginning of an id, in this order, as Docker does. */
  find(ref: string): Container {
    const exact = this.#byId.get(ref) ?? this.#byId.get(this.#names.get(ref.replace(/^\//, '')) ?? '');
    if (exact) return exact;
    const matches = ref === '' ? [] : this.list().filter(({ id }) => id.startsWith(ref));
    if (matches.length > 1) throw ambiguousContainer({ ref, matches: matches.length });
    if (!matches[0]) throw noSuchContainer({ ref });
    return matches[0];
  }

  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  /** Takes a name for a container. Throws NAME_IN_USE. */
  reserveName(name: string, id: string): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder !== id) throw nameInUse({ kind: 'container', name, by: holder });
    this.#names.set(name, id);
  }

  releaseName(name: string): void {
    this.#names.delete(name);
  }

  /** Makes the container's folders and writes it; durable when this resolves, unless `transient` (it removes itself anyway). */
  async add(record: ContainerRecord, transient: boolean): Promise<Container> {
    const paths = this.paths(record.id);
    await mkdir(paths.folder, { mode: 0o711 });
    await Promise.all([mkdir(paths.upper, { mode: 0o755 }), mkdir(paths.work, { mode: 0o700 }), mkdir(paths.rootfs, { mode: 0o755 })]);
    await chmod(paths.upper, 0o755); // it is the container's `/`, whatever our umask says
    const places = await Promise.all(record.mounts.map(async ({ destination, source, type, subpath }) => ({ destination, file: (type === 'bind' && (await isFile(source))) || (subpath !== undefined && (await isFile(await resolveInside(source, subpath)))) })));
    // Those that every image may lack too where the general ones belong to somebody else.
    await makeMountPoints(paths.mountPoints, record.keepId ? [...usualPlaces, ...places] : places);
    if (record.keepId) await giveToRoot(record, [paths.upper, paths.mountPoints]);
    const container = new Container(record, freshState, paths);
    await this.#saveRecord(container, transient);
    this.#byId.set(record.id, container);
    return container;
  }

  /** Changes a record; when it cannot be written, it is as it was. */
  async changeRecord(container: Container, change: Partial<ContainerRecord>): Promise<void> {
    const before = container.record;
    container.record = { ...before, ...change };
    await this.#saveRecord(container).catch((error: unknown) => {
      container.record = before;
      throw error;
    });
  }

  async #saveRecord({ paths, record }: Container, transient = false): Promise<void> {
    const path = join(paths.folder, 'config.json');
    const text = `${JSON.stringify(record, null, 1)}\n`;
    await (transient ? replaceFile(path, text) : writeFileAtomic(path, text));
  }

  /**
   * Sets and writes a state. Not synced: it survives a killed engine, and after a crash of the whole host a container that
   * claims to run is recorded as ended anyway. A full disk keeps no container from ending or being removed: unless it `must`, the state
   * is written as soon as there is room, and an engine that is killed before that finds by itself what became of the container.
   */
  async setState(container: Container, change: Partial<ContainerState>, { must = false }: { readonly must?: boolean } = {}): Promise<void> {
    container.state = { ...container.state, ...change };
    try {
      await this.#saveState(container);
    } catch (error) {
      if (must || !isFull(error)) throw error;
      if (this.#unsaved.size === 0) this.#log.error('the disk is full: states of containers are kept in memory until there is room', { folder: this.folder });
      this.#unsaved.add(container);
      this.#retry ??= setTimeout(() => void this.#saveUnsaved(), RETRY_MS).unref();
    }
  }

  /** Whether its state on disk is an older one. */
  isUnsaved(container: Container): boolean {
    return this.#unsaved.has(container);
  }

  /** Forgets a container whose folder is gone. */
  drop(container: Container): void {
    this.#byId.delete(container.id);
    if (this.#names.get(container.record.name) === container.id) this.#names.delete(container.record.name);
  }

  /** Removes a container's files. What is mounted among them, a workspace for instance, is let go of before. */
  async removeFolder(id: string): Promise<void> {
    const { folder } = this.paths(id);
    await unmountInside(folder);
    await rm(folder, { recursive: true, force: true });
  }

  async #saveState(container: Container): Promise<void> {
    // One write at a time: not all who change a state hold the container's lock. Each writes what the state is by then.
    await this.#saves.run(container.id, () => replaceFile(join(container.paths.folder, 'state.json'), `${JSON.stringify(container.state)}\n`));
    this.#unsaved.delete(container);
  }

  async #saveUnsaved(): Promise<void> {
    for (const container of this.#unsaved) {
      if (!this.#byId.has(container.id)) this.#unsaved.delete(container);
      else if (await this.#saveState(container).then(() => !container.running, () => false)) await rm(join(this.#runRoot, 'exits', container.id), { force: true });
    }
    this.#retry = this.#unsaved.size > 0 ? setTimeout(() => void this.#saveUnsaved(), RETRY_MS).unref() : undefined;
  }

  async #loadState(paths: ContainerPaths): Promise<ContainerState> {
    const path = join(paths.folder, 'state.json');
    const there = await access(path).then(() => true, () => false);
    if (!there) return freshState; // never started, or lost in a crash of the host: what still runs of it is removed by reconcile
    return (await readJsonFile(path, stateSchema, this.#log)) ?? lostState(paths);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temp = `${path}.new`;
  try {
    await writeFile(temp, text, { mode: 0o600 });
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}
