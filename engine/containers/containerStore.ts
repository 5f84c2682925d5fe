import { access, chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTempFiles } from '../base/atomicFile.ts';
import { nameInUse } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { unmountInside } from '../host/mounts.ts';
import { readJsonFile } from '../state/jsonFile.ts';
import { Container, containerPaths } from './container.ts';
import type { ContainerPaths } from './container.ts';
import { ContainerWriter } from './containerWriter.ts';
import { resolveInside } from './rootfs.ts';
import { giveToRoot } from './ownIds.ts';
import { isFile, makeMountPoints, usualPlaces } from './skeleton.ts';
import { ambiguousContainer, noSuchContainer } from './errors.ts';
import { lostState } from './lostState.ts';
import { freshState, recordSchema, stateSchema } from './record.ts';
import type { ContainerRecord, ContainerState } from './record.ts';

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
  readonly #writer: ContainerWriter;

  constructor(dataRoot: string, runRoot: string, log: Log) {
    this.#dataRoot = dataRoot;
    this.#runRoot = runRoot;
    this.#log = log;
    this.folder = join(dataRoot, 'containers');
    this.#writer = new ContainerWriter({ log, exits: join(runRoot, 'exits'), has: (container) => this.#byId.get(container.id) === container });
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

  /** Gives a container's name back; one that is another's by now stays that one's. */
  releaseName(name: string, id: string): void {
    if (this.#names.get(name) === id) this.#names.delete(name);
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
    await this.#writer.begin(container, transient);
    this.#byId.set(record.id, container);
    return container;
  }

  /** Changes what a container is, after what others changed before: see ContainerWriter. */
  updateRecord(container: Container, change: (now: ContainerRecord) => ContainerRecord): Promise<void> {
    return this.#writer.updateRecord(container, change);
  }

  /** The same for what it does. With `must` it throws when it cannot be written, and nothing has changed. */
  updateState(container: Container, change: (now: ContainerState) => ContainerState, options: { readonly must?: boolean } = {}): Promise<void> {
    return this.#writer.updateState(container, change, options);
  }

  /** Whether its state on disk is an older one. */
  isUnsaved(container: Container): boolean {
    return this.#writer.isUnsaved(container);
  }

  /** Forgets a container whose folder is gone. */
  drop(container: Container): void {
    this.#byId.delete(container.id);
    this.releaseName(container.record.name, container.id);
  }

  /** Removes a container's files. What is mounted among them, a workspace for instance, is let go of before. */
  async removeFolder(id: string): Promise<void> {
    const { folder } = this.paths(id);
    await unmountInside(folder);
    await rm(folder, { recursive: true, force: true });
  }

  async #loadState(paths: ContainerPaths): Promise<ContainerState> {
    const path = join(paths.folder, 'state.json');
    const there = await access(path).then(() => true, () => false);
    if (!there) return freshState; // never started, or lost in a crash of the host: what still runs of it is removed by reconcile
    return (await readJsonFile(path, stateSchema, this.#log)) ?? lostState(paths);
  }
}
