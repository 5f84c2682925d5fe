import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault, InspectOptions } from '../base/inspector.ts';
import type { Snapshot } from './types.ts';

export interface SnapshotInspectorOptions {
  readonly root: string;
  readonly list: () => readonly Snapshot[];
  /** Whether the files still make the tar that the layer was made of; `undefined`: nobody has asked for its tar yet. */
  readonly isWhole: (id: string) => Promise<boolean | undefined>;
  /** How its files differ from the index of its tar, a line each; none while nobody has asked for its tar. */
  readonly differences: (id: string) => Promise<readonly string[]>;
  /** Writes the lost description of a layer anew. */
  readonly recover: (id: string) => Promise<void>;
}

/** Layers: each that is on record has its files, just those that its index says, and each folder is on record. */
export class SnapshotInspector {
  readonly #options: SnapshotInspectorOptions;

  constructor(options: SnapshotInspectorOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#options.list().length;
  }

  ids(): string[] {
    return this.#options.list().map(({ id }) => id);
  }

  /** With `layers` each is read and digested. */
  async faults({ layers, signal }: InspectOptions): Promise<Fault[]> {
    const { root, list, recover } = this.#options;
    const known = new Set(this.ids());
    const folders = (await readdir(root)).filter((name) => !name.startsWith('.'));
    const faults: Fault[] = [];
    for (const id of folders.filter((name) => !known.has(name))) {
      const hasFiles = await hasFolder(join(root, id));
      const seen = `The layer in ${join(root, id)} has no ${hasFiles ? 'readable description' : 'files'}: no image can use it.`;
      if (hasFiles) faults.push({ ...fault('LAYER_UNUSABLE', id, seen, 'berth system check --repair makes its description anew.'), repair: () => recover(id) });
      else faults.push(fault('LAYER_UNUSABLE', id, seen, 'Pull, load or build its image again, then remove the folder.'));
    }
    for (const { id } of list()) {
      if (signal.aborted) break;
      if (!(await hasFolder(join(root, id)))) faults.push(fault('LAYER_MISSING', id, `Its files are missing from ${join(root, id)}.`, 'Restart the engine (berth engine stop), then pull, load or build its image again.'));
      else faults.push(...(await this.#changes(id, layers)));
    }
    return faults;
  }

  async #changes(id: string, layers: boolean): Promise<Fault[]> {
    const { list, differences, isWhole } = this.#options;
    try {
      const [first, ...others] = await differences(id);
      if (first !== undefined) return [changed(id, `${first}${others.length > 0 ? ` (and ${others.length} more)` : ''}: its files were changed on disk, or the disk is damaged.`)];
      return layers && (await isWhole(id)) === false ? [changed(id, 'Its files are not what its digest says: they were changed on disk, or the disk is damaged.')] : [];
    } catch (error) {
      if (!list().some((one) => one.id === id)) return []; // removed meanwhile
      return [changed(id, `It cannot be read: ${error instanceof Error ? error.message : String(error)}`)];
    }
  }
}

function changed(id: string, seen: string): Fault {
  return { ...fault('LAYER_CHANGED', id, seen, 'Remove the images that have it (berth rmi -f) and pull, load or build them again.'), certain: true };
}

function fault(code: string, object: string, seen: string, advice: string): Fault {
  return { code, kind: 'layer', object, seen, advice };
}

async function hasFolder(folder: string): Promise<boolean> {
  return (await lstat(join(folder, 'fs')).catch(() => undefined))?.isDirectory() ?? false;
}
