import type { Fault, Inspection, Inspector } from '../base/inspector.ts';
import { damagedRecords, objectOf } from '../state/damaged.ts';
import type { DamagedRecord } from '../state/damaged.ts';

/** The JSON files of an engine: each readable, none set aside. */
export class RecordInspector implements Inspector {
  readonly #roots: readonly string[];
  #warnings: readonly string[] = [];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** What the last look found set aside, in words for `docker info`. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Looks for what was set aside, without reading the others. */
  async refresh(): Promise<void> {
    this.#tell((await this.#damaged(false)).filter(({ was }) => was !== undefined));
  }

  async inspect(): Promise<Inspection> {
    const found = await this.#damaged(true);
    this.#tell(found);
    return { faults: found.map(({ root, path, was }) => faultOf(root, path, was)), looked: {} };
  }

  async #damaged(read: boolean): Promise<Array<DamagedRecord & { readonly root: string }>> {
    return (await Promise.all(this.#roots.map(async (root) => (await damagedRecords(root, { read })).map((record) => ({ ...record, root }))))).flat();
  }

  #tell(found: ReadonlyArray<DamagedRecord & { readonly root: string }>): void {
    this.#warnings = found.map(({ root, path, was }) => `WARNING: The record of ${objectOf(was ?? path, root)} ${was === undefined ? 'is damaged' : 'was damaged and has been set aside'} (${path}). See: berth system check`);
  }
}

function faultOf(root: string, path: string, was: string | undefined): Fault {
  const object = objectOf(was ?? path, root);
  if (was === undefined) return { code: 'RECORD_UNREADABLE', kind: 'record', object: path, seen: `The record of ${object} is not JSON any more: something wrote into it, or the disk is damaged.`, advice: 'The running engine still knows the object. Put a good copy in its place, or change the object once (as berth update, berth rename), which writes the file anew.' };
  return {
    code: 'RECORD_DAMAGED',
    kind: 'record',
    object: path,
    seen: `The record of ${object} was damaged and has been set aside. What belongs to it is kept.`,
    advice: `Restore ${was} from a backup and restart the engine (berth engine stop), or remove ${path} when nothing of ${object} is needed any more.`,
  };
}
