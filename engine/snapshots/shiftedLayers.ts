import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { shortRandom } from '../base/ids.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { keepIdMaps } from '../host/keepId.ts';
import { NamespaceHolder } from '../host/namespaceHolder.ts';
import { run } from '../host/process.ts';
import { copyTree } from '../host/tar/copyTree.ts';
import type { Owner } from '../host/userNamespace.ts';
import { readJsonFile, writeJsonFile } from '../state/jsonFile.ts';
import { Settling } from './settling.ts';

/** `unsettledIn`: as of snapshots; a copy that a power cut may have hurt is made again. */
const metaSchema = z.object({ size: z.number(), unsettledIn: z.string().optional() });
type Meta = z.infer<typeof metaSchema>;

/** Short: the names of all layers must fit into one page for a mount. */
const NAME = /^k\d+(-\d+)?$/;

/** A copy that is asked for; as text where sets of them are kept. */
export interface ShiftedLayer {
  readonly id: string;
  readonly keepId: Owner;
}

export function shiftedKey({ id, keepId }: ShiftedLayer): string {
  return `${id}/${nameOf(keepId)}`;
}

/**
 * Copies of layers for containers with a keep-id map (host/keepId.ts): an ordinary user can have no idmapped mounts, so whose files are to be shown as another's must
 * be another's on disk. Made once for a layer and a map, by user namespaces that translate owners and capabilities, in `<root>/<snapshot>/k<uid>[-<gid>]`
 * beside the layer, with `….json`; they go with the layer, or by `prune` when no container stands on them.
 */
export class ShiftedLayers {
  readonly #root: string;
  readonly #temp: string;
  readonly #sizeOf: (id: string) => number;
  readonly #log: Log;
  readonly #sizes = new Map<string, number>();
  readonly #mutex = new KeyedMutex();
  readonly #settling = new Settling((keys) => void this.#settle(keys));

  /** `temp`: how names of what goes at the next start begin. `sizeOf`: bytes of a layer, and so of a copy. */
  constructor({ root, temp, sizeOf, log }: { readonly root: string; readonly temp: string; readonly sizeOf: (id: string) => number; readonly log: Log }) {
    this.#root = root;
    this.#temp = temp;
    this.#sizeOf = sizeOf;
    this.#log = log;
  }

  /** Reads what there is beside one layer, and removes what was cut short. */
  async load(id: string): Promise<void> {
    const found = new Set((await readdir(join(this.#root, id))).flatMap((name) => (NAME.test(name.replace(/\.json$/, '')) ? [name.replace(/\.json$/, '')] : [])));
    for (const name of found) {
      const key = `${id}/${name}`;
      const meta = await readJsonFile(this.#meta(key), metaSchema, this.#log);
      const whole = meta && (meta.unsettledIn === undefined || meta.unsettledIn === this.#settling.bootId) && (await isFolder(join(this.#root, key)));
      if (!whole) await this.#delete(key);
      else this.#remember(key, meta);
    }
  }

  close(): void {
    this.#settling.close();
  }

  /** The copy's folder, an overlay lower directory like the layer's own; it may have to be made. */
  dir(layer: ShiftedLayer): string {
    return join(this.#root, shiftedKey(layer));
  }

  has(layer: ShiftedLayer): boolean {
    return this.#sizes.has(shiftedKey(layer));
  }

  /** Makes the copies that are not there, one after the other: each is two processes already. */
  async ensure(ids: readonly string[], keepId: Owner): Promise<void> {
    for (const id of ids) {
      const layer = { id, keepId };
      const isThere = (): Promise<boolean> => (this.has(layer) ? isFolder(this.dir(layer)) : Promise.resolve(false));
      if (await isThere()) continue;
      const key = shiftedKey(layer);
      await this.#mutex.run(key, async () => {
        if (!(await isThere())) await this.#make(layer, key);
      });
    }
  }

  /** Bytes of all copies, or of those of one layer. */
  size(id?: string): number {
    return [...this.#sizes].reduce((sum, [key, size]) => sum + (id === undefined || key.startsWith(`${id}/`) ? size : 0), 0);
  }

  /** A layer is gone, and its copies with it. */
  forget(id: string): void {
    for (const key of this.#sizes.keys()) if (key.startsWith(`${id}/`)) this.#sizes.delete(key);
  }

  /** Removes the copies that are not `used`, which is asked right before each; returns the bytes freed. */
  async prune(used: () => ReadonlySet<string>): Promise<number> {
    let freed = 0;
    for (const [key, size] of [...this.#sizes]) {
      await this.#mutex.run(key, async () => {
        if (used().has(key) || !this.#sizes.delete(key)) return;
        await this.#delete(key);
        freed += size;
      });
    }
    return freed;
  }

  async #make({ id, keepId }: ShiftedLayer, key: string): Promise<void> {
    const ids = keepIdMaps(keepId);
    if (!ids) throw new Error(`there are no ids for ${key}`); // asked before: see containers/ownIds.ts
    const temp = join(this.#root, `${this.#temp}${shortRandom(9)}`);
    try {
      await mkdir(temp);
      await using writes = await NamespaceHolder.start(ids.uids, { groups: ids.gids });
      await copyTree(join(this.#root, id, 'fs'), temp, { writes: writes.userPath });
      const meta: Meta = { size: this.#sizeOf(id), unsettledIn: this.#settling.bootId };
      await writeJsonFile(this.#meta(key), meta);
      await rename(temp, join(this.#root, key));
      this.#remember(key, meta);
    } finally {
      await this.#remove(temp);
    }
  }

  #remember(key: string, meta: Meta): void {
    this.#sizes.set(key, meta.size);
    if (meta.unsettledIn !== undefined) this.#settling.add(key);
  }

  async #settle(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#mutex.run(key, async () => {
        const size = this.#sizes.get(key);
        if (size !== undefined) await writeJsonFile(this.#meta(key), { size } satisfies Meta).catch((error: unknown) => this.#log.warn('a copy of a layer keeps its mark', { key, error }));
      });
    }
  }

  #meta(key: string): string {
    return join(this.#root, `${key}.json`);
  }

  /** Out of the way first: a half-removed copy must not look like one. */
  async #delete(key: string): Promise<void> {
    const doomed = join(this.#root, `${this.#temp}${shortRandom(9)}`);
    await rm(this.#meta(key), { force: true });
    await rename(join(this.#root, key), doomed).catch(() => undefined); // it was never there
    await this.#remove(doomed);
  }

  async #remove(folder: string): Promise<void> {
    await run('rm', ['-rf', '--one-file-system', '--', folder]).catch(() => rm(folder, { recursive: true, force: true }));
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then((info) => info.isDirectory(), () => false);
}

function nameOf({ uid, gid }: Owner): string {
  return uid === gid ? `k${uid}` : `k${uid}-${gid}`;
}
