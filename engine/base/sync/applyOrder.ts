import type { Capabilities, Change } from './entry.ts';
import { depthOf, foldKey, foldersAbove, gitFolderOf } from './paths.ts';

/**
 * The order in which changes are made on a side: copies that keep what others replace; room for what takes another's place; what is new, folders
 * first; what is removed, the deepest first; and after all that git's own files: objects, then what names them, then HEAD and the index, then removals.
 */
export function inOrder(changes: readonly Change[], side: Pick<Capabilities, 'caseInsensitive' | 'normalizing'>): Change[] {
  const ranks = new Ranks(changes, side);
  return changes
    .map((change) => ({ change, rank: ranks.of(change), depth: depthOf(change.path), last: ranks.isCopy(change.path) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || (a.change.to === undefined ? b.depth - a.depth : a.depth - b.depth) || a.last - b.last)
    .map(({ change }) => change);
}

class Ranks {
  readonly #copies: ReadonlySet<string>;
  /** Folders that copies need. */
  readonly #aboveCopies: ReadonlySet<string>;
  /** Folders that become something else. */
  readonly #replaced: ReadonlySet<string>;
  /** What comes into being, as the side tells names apart. */
  readonly #arriving: ReadonlySet<string>;
  readonly #key: (path: string) => string;

  constructor(changes: readonly Change[], side: Pick<Capabilities, 'caseInsensitive' | 'normalizing'>) {
    this.#copies = new Set(changes.flatMap(({ after }) => (after === undefined ? [] : [after])));
    this.#aboveCopies = new Set([...this.#copies].flatMap((path) => [...foldersAbove(path)]));
    this.#replaced = new Set(changes.filter(({ from, to }) => from?.kind === 'folder' && to !== undefined && to.kind !== 'folder').map(({ path }) => path));
    this.#key = (path) => foldKey(path, side);
    this.#arriving = new Set(side.caseInsensitive || side.normalizing ? changes.flatMap(({ from, to, path }) => (from === undefined && to !== undefined ? [this.#key(path)] : [])) : []);
  }

  isCopy(path: string): boolean {
    return this.#copies.has(path);
  }

  of({ path, to }: Change): number {
    if (this.#copies.has(path) || (to?.kind === 'folder' && this.#aboveCopies.has(path))) return 0;
    if (to === undefined && this.#makesRoom(path)) return 1;
    const git = gitFolderOf(path);
    if (git === undefined) return to === undefined ? 3 : 2;
    return to === undefined ? 8 : gitRank(path.slice(git.length + 1), to.kind === 'folder');
  }

  #makesRoom(path: string): boolean {
    if (this.#arriving.has(this.#key(path))) return true;
    for (const folder of foldersAbove(path)) if (this.#replaced.has(folder) || this.#arriving.has(this.#key(folder))) return true;
    return false;
  }
}

function gitRank(inside: string, isFolder: boolean): number {
  if (isFolder) return 4;
  if (/(^|\/)objects\//.test(inside)) return 5;
  return /(^|\/)(index|HEAD)$/.test(inside) ? 7 : 6;
}
