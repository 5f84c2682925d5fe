import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { syncFolder } from '../base/atomicFile.ts';
import { notImplemented, systemCode } from '../base/errors.ts';
import type { EventBus } from '../base/eventBus.ts';
import { newId, shortRandom } from '../base/ids.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { sameOwner } from '../host/userNamespace.ts';
import type { Owner } from '../host/userNamespace.ts';
import { treeSize } from '../snapshots/treeSize.ts';
import { fillFolder, packFolder } from './volumeArchive.ts';
import { copyForIds, giveToRootOf, withVolumeIds } from './volumeIds.ts';
import { damagedDescriptions, recoverVolume, writeDescription } from './description.ts';
import { IdClaims } from './idClaims.ts';
import { VolumeInspector } from './inspection.ts';
import { invalidVolumeName, noSuchVolume, noSuchVolumeDriver, volumeInUse, volumeNotEmpty } from './errors.ts';

/** The label of volumes that were made without a name, as Docker's. */
const ANONYMOUS = 'com.docker.volume.anonymous';

export interface Volume {
  readonly name: string;
  /** The folder containers mount (absolute). */
  readonly mountpoint: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whose ids its files have (volumeIds.ts). */
  readonly keepId?: Owner;
}

/** A container that starts has a volume as it wants it, until this is let go of. */
export interface VolumeHold {
  /** False: a container that runs has it with other ids. */
  readonly fits: boolean;
  release(): void;
}

export interface NewVolume {
  /** Empty or absent: anonymous. */
  readonly name?: string;
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface VolumeServiceOptions {
  readonly dataRoot: string;
  readonly log: Log;
  readonly events: EventBus;
  /** Names or ids of the containers that have this volume. */
  readonly inUse: (name: string) => readonly string[];
  /** Of those, the ones that run. */
  readonly running?: (name: string) => readonly string[];
}

/** Volumes on disk, all known in memory. `load` once at start. */
export class VolumeService {
  readonly #root: string;
  readonly #options: VolumeServiceOptions;
  readonly #volumes = new Map<string, Volume>();
  readonly #mutex = new KeyedMutex();
  readonly #claims = new IdClaims();
  /** Folders that are being made or removed. */
  readonly #unfinished = new Set<string>();
  /** Volumes whose description is lost. */
  readonly #undescribed = new Set<string>();

  constructor(options: VolumeServiceOptions) {
    this.#options = options;
    this.#root = join(options.dataRoot, 'volumes');
  }

  /** Reads what is on disk and deletes what a killed engine left half made or half removed. */
  async load(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o711 });
    this.#volumes.clear();
    for (const name of await readdir(this.#root)) {
      if (/^\.(new|old)-/.test(name)) await rm(join(this.#root, name), { recursive: true, force: true });
      else if (isValidName(name)) this.#volumes.set(name, await this.#read(name));
    }
  }

  list(): Volume[] {
    return [...this.#volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws NO_SUCH_VOLUME. */
  inspect(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (!volume) throw noSuchVolume({ name });
    return volume;
  }

  isAnonymous(volume: Volume): boolean {
    return ANONYMOUS in volume.labels;
  }

  /** Bytes of a volume's files. Throws NO_SUCH_VOLUME. */
  size(name: string): Promise<number> {
    return treeSize(this.inspect(name).mountpoint);
  }

  /** The containers that have this volume. */
  usersOf(name: string): readonly string[] {
    return this.#options.inUse(name);
  }

  /** The volume of this name, made if there is none; without a name a new anonymous one. */
  ensure(name?: string): Promise<Volume> {
    return this.create(name === undefined ? {} : { name });
  }

  /** As `ensure`, with labels for a new one. Throws INVALID_VOLUME_NAME, NO_SUCH_VOLUME_DRIVER. */
  create({ name = '', driver = 'local', options = {}, labels = {} }: NewVolume): Promise<Volume> {
    if (driver !== 'local' && driver !== '') throw noSuchVolumeDriver({ driver });
    if (Object.keys(options).length > 0) throw notImplemented({ what: `The volume option "${Object.keys(options).join('", "')}"` });
    const wanted = name === '' ? newId() : name;
    if (!isValidName(wanted)) throw invalidVolumeName({ name: wanted });
    return this.#mutex.run(wanted, async () => this.#volumes.get(wanted) ?? this.#make(wanted, name === '' ? { ...labels, [ANONYMOUS]: '' } : labels));
  }

  /** Removes a volume with its data. Throws NO_SUCH_VOLUME (unless `force`), VOLUME_IN_USE. */
  remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.#mutex.run(name, async () => {
      if (!this.#volumes.has(name)) {
        if (force) return;
        throw noSuchVolume({ name });
      }
      const users = this.#options.inUse(name);
      if (users.length > 0) throw volumeInUse({ name, containers: users.join(', ') });
      await this.#temporary('old', async (aside) => {
        await rename(join(this.#root, name), aside).catch((error: unknown) => {
          if (systemCode(error) !== 'ENOENT') throw error;
        });
        this.#volumes.delete(name);
        this.#undescribed.delete(name);
      });
      this.#options.events.publish('volume', 'destroy', name, { driver: 'local' });
    });
  }

  /** Writes a volume's files as a tar, with owners, extended attributes and holes. Throws NO_SUCH_VOLUME. */
  async export(name: string, begin: () => Writable, signal: AbortSignal): Promise<void> {
    const { mountpoint, keepId } = this.inspect(name);
    await withVolumeIds(keepId, (userNamespace) => packFolder(mountpoint, begin(), signal, userNamespace));
  }

  /**
   * Fills a volume from a tar: a new one, an empty one, or with `replace` one whose files go. All of it or nothing: until the last byte is
   * unpacked the volume is as it was. Throws VOLUME_NOT_EMPTY, VOLUME_IN_USE (by what runs), VOLUME_ARCHIVE_INVALID, INVALID_VOLUME_NAME.
   */
  import(name: string, archive: Readable, { replace, labels }: { readonly replace: boolean; readonly labels: Readonly<Record<string, string>> }, signal: AbortSignal): Promise<Volume> {
    if (!isValidName(name)) throw invalidVolumeName({ name });
    return this.#mutex.run(name, async () => {
      const known = this.#volumes.get(name);
      const fill = async (folder: string): Promise<void> => {
        await mkdir(folder, { recursive: true });
        await giveToRootOf(folder, known?.keepId);
        await withVolumeIds(known?.keepId, (userNamespace) => fillFolder(folder, archive, signal, userNamespace));
      };
      if (!known) return this.#make(name, labels, fill);
      const users = this.#busy(name);
      if (users.length > 0) throw volumeInUse({ name, containers: users.join(', ') });
      if (!replace && (await readdir(known.mountpoint)).length > 0) throw volumeNotEmpty({ name });
      await this.#swap(known, fill);
      await rm(`${known.mountpoint}.old`, { recursive: true, force: true });
      return known;
    });
  }

  /** Whether `useIds` would do for a container that does not run. */
  fitsIds(name: string, keepId: Owner | undefined): boolean {
    const volume = this.#volumes.get(name);
    return !volume || sameOwner(volume.keepId, keepId) || (this.#options.running?.(name) ?? []).length === 0;
  }

  /**
   * Makes a volume's files belong to the same users for a container that starts with a keep-id map, or without one, as for those that had it before, and keeps
   * others from changing that until the hold is let go of. Who wants several takes them in the order of their names. Throws when there is no room for a copy.
   */
  async useIds(name: string, keepId: Owner | undefined, container: string): Promise<VolumeHold> {
    const release = await this.#claims.take(name, keepId, container);
    try {
      return { fits: await this.#mutex.run(name, () => this.#adopt(name, keepId, container)), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #adopt(name: string, keepId: Owner | undefined, container: string): Promise<boolean> {
    const volume = this.#volumes.get(name);
    if (!volume || sameOwner(volume.keepId, keepId)) return true;
    if ((this.#options.running?.(name) ?? []).some((id) => id !== container)) return false;
    const { created, labels, keepId: before } = volume;
    const next = keepId ? { keepId } : {};
    const folder = join(this.#root, name);
    await writeDescription(folder, { created, labels, ...(before ? { keepId: before } : {}), next });
    await this.#swap(volume, async (fresh) => {
      await mkdir(fresh);
      await copyForIds(volume.mountpoint, fresh, before, keepId);
    });
    await writeDescription(folder, { created, labels, ...next });
    this.#volumes.set(name, { name, mountpoint: volume.mountpoint, created, labels, ...next });
    await rm(`${volume.mountpoint}.old`, { recursive: true, force: true });
    return true;
  }

  /** Containers that run with a volume, or are about to. */
  #busy(name: string): string[] {
    return [...new Set([...(this.#options.running?.(name) ?? []), ...this.#claims.holders(name)])];
  }

  /** Puts other files in the place of a volume's; the old ones are left aside, for the caller to remove. */
  async #swap({ name, mountpoint }: Volume, fill: (folder: string) => Promise<void>): Promise<void> {
    await this.#temporary('new', async (fresh) => {
      await mkdir(fresh, { recursive: true });
      await fill(join(fresh, '_data'));
      // Killed between the two, the next start takes the old files back.
      await rename(mountpoint, `${mountpoint}.old`);
      await rename(join(fresh, '_data'), mountpoint);
    });
    await syncFolder(join(this.#root, name));
  }

  /** Compares the records with the disk. */
  inspector(): VolumeInspector {
    return new VolumeInspector({ root: this.#root, list: () => this.list(), busy: () => this.#unfinished, undescribed: () => this.#undescribed, describe: (name) => this.#describe(name) });
  }

  /** Removes the unused volumes that `matches` accepts; tells their names and the bytes they held. */
  async prune(matches: (volume: Volume) => boolean): Promise<{ readonly names: string[]; readonly bytes: number }> {
    const names: string[] = [];
    let bytes = 0;
    for (const volume of this.list()) {
      if (!matches(volume) || this.#options.inUse(volume.name).length > 0) continue;
      const size = await treeSize(volume.mountpoint);
      await this.remove(volume.name, { force: true });
      names.push(volume.name);
      bytes += size;
    }
    return { names, bytes };
  }

  async #make(name: string, labels: Readonly<Record<string, string>>, fill?: (folder: string) => Promise<void>): Promise<Volume> {
    const created = new Date().toISOString();
    await this.#temporary('new', async (fresh) => {
      await mkdir(join(fresh, '_data'), { recursive: true });
      await chmod(fresh, 0o711);
      await chmod(join(fresh, '_data'), 0o755);
      await fill?.(join(fresh, '_data'));
      await writeDescription(fresh, { created, labels });
      await rename(fresh, join(this.#root, name));
    });
    await syncFolder(this.#root);
    const volume = { name, mountpoint: join(this.#root, name, '_data'), created, labels };
    this.#volumes.set(name, volume);
    this.#options.events.publish('volume', 'create', name, { driver: 'local' });
    return volume;
  }

  /** Does something with a folder beside the volumes; whatever of it is left afterwards goes. */
  async #temporary(kind: 'new' | 'old', work: (folder: string) => Promise<void>): Promise<void> {
    const name = `.${kind}-${shortRandom(6)}`;
    const folder = join(this.#root, name);
    this.#unfinished.add(name);
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
      this.#unfinished.delete(name);
    }
  }

  async #describe(name: string): Promise<void> {
    const { created, labels, keepId } = this.inspect(name);
    const folder = join(this.#root, name);
    await writeDescription(folder, { created, labels, ...(keepId ? { keepId } : {}) });
    for (const path of await damagedDescriptions(folder)) await rm(path, { force: true });
    this.#undescribed.delete(name);
  }

  /** A volume whose description is missing or damaged is still a volume: its data is what matters. */
  async #read(name: string): Promise<Volume> {
    const mountpoint = join(this.#root, name, '_data');
    const meta = await recoverVolume(join(this.#root, name), this.#options.log);
    await mkdir(mountpoint, { recursive: true });
    if (meta) return { name, mountpoint, created: meta.created, labels: meta.labels, ...(meta.keepId ? { keepId: meta.keepId } : {}) };
    this.#undescribed.add(name);
    this.#options.log.warn('a volume has no readable description; its labels are lost', { name });
    return { name, mountpoint, created: (await stat(mountpoint)).birthtime.toISOString(), labels: {} };
  }
}

function isValidName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name);
}
