import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault, Inspection, Inspector } from '../base/inspector.ts';
import type { Volume } from './volumeService.ts';

export interface VolumeInspectorOptions {
  readonly root: string;
  readonly list: () => readonly Volume[];
  /** Folders of volumes that are being made, filled or removed. */
  readonly busy: () => ReadonlySet<string>;
  /** Volumes whose description was damaged, and lost. */
  readonly undescribed: () => ReadonlySet<string>;
  readonly describe: (name: string) => Promise<void>;
}

/** Volumes: each has its folder, and there are no half-made ones. */
export class VolumeInspector implements Inspector {
  readonly #options: VolumeInspectorOptions;

  constructor(options: VolumeInspectorOptions) {
    this.#options = options;
  }

  async inspect(): Promise<Inspection> {
    const { root, list, busy, undescribed, describe } = this.#options;
    const volumes = list();
    const missing = await Promise.all(volumes.map(async ({ name, mountpoint }) => ((await isFolder(mountpoint)) ? [] : [volumeFault('VOLUME_MISSING', name, `Its files are missing: ${mountpoint}.`, `Restore them with berth volume import ${name}, or remove it: berth volume rm ${name}`)])));
    const strays = (await readdir(root)).filter((name) => /^\.(new|old)-/.test(name) && !busy().has(name)).map((name): Fault => ({ code: 'ORPHAN_FOLDER', kind: 'host', object: join(root, name), seen: 'A volume was half made or half removed.', advice: 'berth system check --repair removes it.', repair: () => rm(join(root, name), { recursive: true, force: true }) }));
    const nameless = [...undescribed()].map((name): Fault => ({ ...volumeFault('VOLUME_DESCRIPTION_LOST', name, 'Its description was missing or damaged: its files are there, its labels are lost.', 'berth system check --repair writes a new description, without labels.'), repair: () => describe(name) }));
    return { faults: [...missing.flat(), ...strays, ...nameless], looked: { volumes: volumes.length } };
  }
}

function volumeFault(code: string, object: string, seen: string, advice: string): Fault {
  return { code, kind: 'volume', object, seen, advice };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((info) => info.isDirectory(), () => false);
}
