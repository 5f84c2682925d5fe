import { closeSync, fsyncSync, lstatSync, openSync } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import type { Capabilities, Change, Outcome, ScanDelta } from '../sync/entry.ts';
import { syncRootUnusable } from '../sync/errors.ts';
import type { Need, Wanted } from '../sync/messages.ts';
import { nameOf, parentOf } from '../sync/paths.ts';
import { RuleSet, everything } from '../sync/ruleSet.ts';
import type { PathFilter, RuleSetData } from '../sync/ruleSet.ts';
import type { Side } from '../sync/side.ts';
import { Applier } from './applier.ts';
import { probeCapabilities } from './capabilities.ts';
import { FolderWalk, readFlags } from './folderWalk.ts';
import { IndexFile } from './indexFile.ts';
import { Noticing } from './noticing.ts';
import type { Expected } from './receiver.ts';
import { receiveFiles } from './receiver.ts';
import { LocalRules } from './localRules.ts';
import { Scanner } from './scanner.ts';
import { Stager } from './stager.ts';
import { Staging } from './staging.ts';
import { supplyFiles } from './supplier.ts';
import { TreeIndex } from './treeIndex.ts';
import type { Indexed } from './treeIndex.ts';

export interface ReplicaOptions {
  /** Absolute. */
  readonly root: string;
  /** Names the sync: `[0-9a-f]+`. */
  readonly id: string;
  /** Makes the folder if it is not there. */
  readonly create?: boolean;
  /** Where what was learnt about the files is kept. */
  readonly indexFile?: string;
  /** This side's own ignore files decide what is left out; else `scan` is told the rules. */
  readonly rules?: { readonly gitignore: boolean; readonly extra: readonly string[] };
  /** Instead of all those: exactly these paths. */
  readonly filter?: PathFilter;
  /** Whether the other side has a path spelt like this: for systems that take two spellings for one name. */
  readonly knows?: (path: string) => boolean;
  /** Changes are noticed and told; else only `scan` finds them. */
  readonly onChange?: () => void;
  /** Writes the disk's caches; default: file by file. */
  readonly settle?: (root: string) => Promise<void>;
}

/** A folder of this machine as one side of a sync. One call at a time. */
export class Replica implements Side, AsyncDisposable {
  readonly root: string;
  readonly capabilities: Capabilities;
  readonly #options: ReplicaOptions;
  readonly #staging: Staging;
  readonly #index = new TreeIndex();
  readonly #indexFile: IndexFile | undefined;
  readonly #scanner: Scanner;
  readonly #noticing: Noticing | undefined;
  readonly #local: LocalRules | undefined;
  #filter: PathFilter;
  #expected: ReadonlyMap<number, Expected> = new Map();
  #keepTimes = false;
  #hasScanned = false;
  #unsettled = new Set<string>();

  private constructor(parts: { root: string; options: ReplicaOptions; staging: Staging; capabilities: Capabilities; remembered: Map<string, Indexed>; indexFile: IndexFile | undefined }) {
    const { root, options, capabilities } = parts;
    this.root = root;
    this.capabilities = capabilities;
    this.#options = options;
    this.#staging = parts.staging;
    this.#indexFile = parts.indexFile;
    this.#noticing = options.onChange && new Noticing(root, options.onChange);
    this.#local = options.rules && new LocalRules(root, options.rules);
    this.#filter = options.filter ?? everything;
    const local = this.#local;
    this.#scanner = new Scanner({
      root,
      index: this.#index,
      remembered: parts.remembered,
      modes: capabilities.modes,
      normalizing: capabilities.normalizing,
      knows: options.knows ?? (() => false),
      onFolder: (path, place, inode) => this.#noticing?.watcher.add(path, place, inode),
      onFolderGone: (path) => this.#noticing?.watcher.remove(path),
      ...(local?.readsFiles === true ? { onIgnoreFile: (folder: string, text: string) => local.rules.add(folder, text) } : {}),
    });
  }

  /** Throws SYNC_ROOT_UNUSABLE. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    try {
      if (options.create === true) await mkdir(options.root, { recursive: true, mode: 0o755 });
      const root = await realpath(options.root);
      if (!lstatSync(root).isDirectory()) throw syncRootUnusable({ path: root, detail: 'it is not a folder' });
      const staging = new Staging(root, options.id);
      const capabilities = probe(staging);
      const indexFile = options.indexFile === undefined ? undefined : new IndexFile(options.indexFile, root);
      const remembered = (await indexFile?.load()) ?? new Map<string, Indexed>();
      return new Replica({ root, options, staging, capabilities, remembered, indexFile });
    } catch (error) {
      if (syncRootUnusable.is(error)) throw error;
      const code = systemCode(error);
      throw syncRootUnusable({ path: options.root, detail: code === 'ENOENT' ? 'it does not exist' : (code ?? String(error)) }, { cause: error });
    }
  }

  /** The rules that this side's ignore files make, once scanned; undefined: this side is told. */
  get rules(): RuleSet | undefined {
    return this.#local?.rules;
  }

  async scan({ full, rules }: { readonly full: boolean; readonly rules?: RuleSetData }): Promise<ScanDelta> {
    if (!this.#rootIsThere()) throw syncRootUnusable({ path: this.root, detail: 'it is not there any more' });
    if (rules) this.#filter = new RuleSet(rules);
    const taken = this.#noticing?.take() ?? { all: true, paths: new Set<string>() };
    const all = full || taken.all || rules !== undefined || !this.#hasScanned;
    const report = (await this.#look(all, taken.paths)) || rules !== undefined || !this.#hasScanned;
    this.#hasScanned = true;
    const changes = this.#index.takeChanges();
    // Nobody comes back to them where changes are not noticed: then it must be said.
    const restless = this.#noticing ? [] : [...this.#scanner.restless].map((path) => [path, 'it changes all the time'] as const);
    this.#noticing?.later(this.#scanner.restless);
    this.#scanner.restless.clear();
    return {
      full: report,
      changes: report ? [...this.#index.entries()].map(([path, { entry }]) => [path, entry] as const) : changes,
      problems: [...this.#scanner.problems, ...restless],
      busy: [...this.#scanner.busy],
      ...(this.#noticing?.limited === undefined ? {} : { limited: this.#noticing.limited }),
    };
  }

  /** Returns whether other rules hold now. */
  async #look(all: boolean, paths: ReadonlySet<string>): Promise<boolean> {
    const start = performance.now();
    const local = this.#local;
    if (!all && local?.concerns(paths) !== true) {
      await this.#scanner.scanPaths(paths, this.#filter);
      return false;
    }
    const before = local?.rules.digest;
    if (local) this.#filter = local.begin();
    await this.#scanner.scanAll(this.#filter);
    this.#noticing?.looked(performance.now() - start);
    return local !== undefined && local.rules.digest !== before;
  }

  async stage(files: readonly Wanted[], { keepTimes }: { readonly keepTimes: boolean }): Promise<Need[]> {
    using folder = this.#staging.open();
    const stager = new Stager(this.root, this.#index, folder);
    await stager.prepare(files);
    this.#expected = stager.expected;
    this.#keepTimes = keepTimes;
    return stager.needs;
  }

  async receive(content: AsyncIterable<Buffer>): Promise<number[]> {
    using folder = this.#staging.open();
    const expected = this.#expected;
    this.#expected = new Map();
    return await receiveFiles(content, expected, folder, this.#keepTimes);
  }

  supply(needs: readonly Need[]): AsyncIterable<Buffer> {
    return supplyFiles(this.root, this.#index, needs, (path) => this.#noticing?.touch(path));
  }

  async apply(changes: readonly Change[]): Promise<Outcome[]> {
    let outcomes: Map<string, Outcome>;
    {
      using staging = this.#staging.open();
      const owner = ownerOf(this.root);
      outcomes = await Applier.apply({ root: this.root, index: this.#index, staging, capabilities: this.capabilities, ...(owner ? { owner } : {}) }, changes);
    }
    this.#staging.clear({ staged: true, partial: true });
    for (const { path, to } of changes) {
      if (outcomes.get(path)?.kind === 'stale') this.#noticing?.touch(path);
      else if (to?.kind === 'file') this.#unsettled.add(path);
    }
    return changes.map(({ path }) => outcomes.get(path) ?? { kind: 'stale' });
  }

  async settle(): Promise<void> {
    const paths = [...this.#unsettled];
    this.#unsettled = new Set();
    if (paths.length > 0) await (this.#options.settle?.(this.root) ?? this.#syncFiles(paths));
    await this.#indexFile?.save(this.#index);
  }

  /** Nothing is left in the folder but its files, and what has come of a transfer that was cut. */
  async close(): Promise<void> {
    this.#noticing?.[Symbol.dispose]();
    if (this.#rootIsThere()) this.#staging.clear({ staged: false, partial: false });
    await this.settle().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #rootIsThere(): boolean {
    return lstatSync(this.root, { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  #syncFiles(paths: readonly string[]): Promise<void> {
    using walk = new FolderWalk(this.root);
    for (const path of paths) {
      try {
        const file = openSync(walk.enter(parentOf(path)) + nameOf(path), process.platform === 'win32' ? 'r+' : readFlags);
        fsyncSync(file);
        closeSync(file);
      } catch {
        // changed or gone by now: no longer ours
      }
    }
    return Promise.resolve();
  }
}

function probe(staging: Staging): Capabilities {
  try {
    using folder = staging.open();
    return probeCapabilities(folder);
  } finally {
    staging.clear({ staged: false, partial: false });
  }
}

/** As root, what comes into a folder belongs to whose folder it is. */
function ownerOf(root: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = lstatSync(root);
  return uid === 0 && gid === 0 ? undefined : { uid, gid };
}
