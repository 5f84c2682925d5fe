import type { Change, Entries, Entry, FileEntry, FolderEntry } from './entry.ts';
import { sameEntry } from './entry.ts';
import { depthOf, foldersAbove } from './paths.ts';

export interface ReconcileInput {
  /** What both sides had when they were last equal. */
  readonly ancestor: Entries;
  readonly local: Entries;
  readonly remote: Entries;
  /** The paths to look at: at least all those where a side differs from the ancestor. */
  readonly candidates: Iterable<string>;
  /** Paths that are left alone, on both sides. */
  readonly blocked: (path: string) => boolean;
  /** A free path for the version that loses its place. */
  readonly copyPath: (path: string, loser: 'local' | 'remote', taken: (path: string) => boolean) => string;
}

/** Both sides changed the same path to different things; each is kept. */
export interface Conflict {
  readonly path: string;
  /** Where the version of `loser` is now. */
  readonly copy: string;
  readonly loser: 'local' | 'remote';
}

export interface Plan {
  readonly local: readonly Change[];
  readonly remote: readonly Change[];
  /** Paths where nothing is left to do: both sides are the same. */
  readonly agreed: readonly string[];
  readonly conflicts: readonly Conflict[];
}

/**
 * Three-way: what only one side changed is done on the other; a change beats a removal; two changes that differ are both kept, the user's own
 * in place and the host's under a name of its own. First the state that both shall have is found, then what each side needs for it.
 */
export function reconcile(input: ReconcileInput): Plan {
  return new Reconciliation(input).plan();
}

class Reconciliation {
  readonly #in: ReconcileInput;
  readonly #wanted = new Map<string, Entry | undefined>();
  readonly #conflicts = new Map<string, Conflict>();
  readonly #copies = new Map<string, string>();

  constructor(input: ReconcileInput) {
    this.#in = input;
  }

  plan(): Plan {
    const paths = [...new Set(this.#in.candidates)].filter((path) => !this.#in.blocked(path));
    for (const path of paths) this.#wanted.set(path, this.#decide(path));
    for (const path of paths.sort((a, b) => depthOf(b) - depthOf(a))) if (this.#wanted.get(path)) this.#needFolders(path);
    for (const { copy } of [...this.#conflicts.values()]) this.#needFolders(copy);
    return this.#result();
  }

  #decide(path: string): Entry | undefined {
    const [before, local, remote] = [this.#in.ancestor.get(path), this.#in.local.get(path), this.#in.remote.get(path)];
    if (sameEntry(local, remote) || sameEntry(remote, before)) return local;
    if (sameEntry(local, before)) return remote;
    if (local === undefined || remote === undefined) return surviving(before, local ?? remote);
    if (local.kind === 'folder' && remote.kind === 'folder') return { kind: 'folder', mode: mergedMode(before, local, remote) };
    if (local.kind === 'file' && remote.kind === 'file' && local.digest === remote.digest) return { ...local, mode: mergedMode(before, local, remote) };
    // A folder keeps its place: what is in it has nowhere else to go.
    const loser = remote.kind === 'folder' ? 'local' : 'remote';
    this.#keepBoth(path, loser);
    return loser === 'local' ? remote : local;
  }

  #keepBoth(path: string, loser: 'local' | 'remote'): void {
    const lost = this.#in[loser].get(path);
    if (lost === undefined || lost.kind === 'folder') return;
    const { ancestor, local, remote } = this.#in;
    const copy = this.#in.copyPath(path, loser, (other) => ancestor.has(other) || local.has(other) || remote.has(other) || this.#wanted.has(other));
    this.#wanted.set(copy, lost);
    this.#copies.set(path, copy);
    this.#conflicts.set(path, { path, copy, loser });
  }

  /** What stays needs its folders: one that a side removed comes back; a file that took a folder's place gets out of the way. */
  #needFolders(path: string): void {
    for (const folder of foldersAbove(path)) {
      const wanted = this.#wanted.has(folder) ? this.#wanted.get(folder) : this.#in.local.get(folder);
      if (wanted?.kind === 'folder') continue;
      if (wanted !== undefined && !this.#conflicts.has(folder)) this.#keepBoth(folder, sameEntry(this.#in.local.get(folder), wanted) ? 'local' : 'remote');
      this.#wanted.set(folder, this.#folderAt(folder));
    }
  }

  #folderAt(path: string): FolderEntry {
    for (const side of [this.#in.local, this.#in.remote, this.#in.ancestor]) {
      const entry = side.get(path);
      if (entry?.kind === 'folder') return entry;
    }
    return { kind: 'folder', mode: 0o755 };
  }

  #result(): Plan {
    const changes = { local: [] as Change[], remote: [] as Change[] };
    const agreed: string[] = [];
    for (const [path, to] of this.#wanted) {
      let equal = true;
      for (const side of ['local', 'remote'] as const) {
        const from = this.#in[side].get(path);
        if (sameEntry(from, to)) continue;
        equal = false;
        const after = this.#copies.get(path);
        changes[side].push({ path, from, to, ...(after === undefined ? {} : { after }) });
      }
      if (equal) agreed.push(path);
    }
    return { ...changes, agreed, conflicts: [...this.#conflicts.values()] };
  }
}

/** Of a removal on one side and a change on the other: the change, unless only a folder's permissions changed. */
function surviving(before: Entry | undefined, changed: Entry | undefined): Entry | undefined {
  return before?.kind === 'folder' && changed?.kind === 'folder' ? undefined : changed;
}

function mergedMode(before: Entry | undefined, local: FileEntry | FolderEntry, remote: FileEntry | FolderEntry): number {
  return before !== undefined && before.kind !== 'link' && before.mode === local.mode ? remote.mode : local.mode;
}
