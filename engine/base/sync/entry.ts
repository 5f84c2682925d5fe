/** What is at a path of a synced folder. Owners and times are no part of it: each side has its own. */
export type Entry = FolderEntry | FileEntry | LinkEntry;

export interface FolderEntry {
  readonly kind: 'folder';
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
}

export interface FileEntry {
  readonly kind: 'file';
  readonly mode: number;
  readonly size: number;
  /** sha256 of the content in hex; of what a git index says, for such a file (`gitIndex.ts`). */
  readonly digest: string;
}

export interface LinkEntry {
  readonly kind: 'link';
  /** As it is on disk. Never followed. */
  readonly target: string;
}

/** Entries by path: relative, with `/`, the folder itself left out. */
export type Entries = ReadonlyMap<string, Entry>;

/** What to make of a path on one side. */
export interface Change {
  readonly path: string;
  /** What must be there, else the change is not made. */
  readonly from: Entry | undefined;
  readonly to: Entry | undefined;
  /** A change of the same list that must have succeeded: the copy that keeps what this one replaces. */
  readonly after?: string;
}

/** How a change went: `stale`, something else is there by now; `problem`, it cannot be made. */
export type Outcome = { readonly kind: 'done' } | { readonly kind: 'stale' } | { readonly kind: 'problem'; readonly detail: string };

/** What a scan found to be different from the one before it. */
export interface ScanDelta {
  /** The changes are against an empty folder, not against the scan before. */
  readonly full: boolean;
  readonly changes: ReadonlyArray<readonly [path: string, entry: Entry | undefined]>;
  /** Paths that could not be looked at, or are nothing that can be synced, with the reason: neither they nor what is below them is known. */
  readonly problems: ReadonlyArray<readonly [path: string, reason: string]>;
  /** Folders of git in which git is at work. */
  readonly busy: readonly string[];
  /** Why changes are not noticed at once on this side, where that is so; for people. */
  readonly limited?: string;
}

/** What a side can keep. */
export interface Capabilities {
  readonly caseInsensitive: boolean;
  /** Names that differ only in Unicode's normalisation are the same. */
  readonly normalizing: boolean;
  /** Permission bits are kept. */
  readonly modes: boolean;
  /** Windows' rules about names hold. */
  readonly windowsNames: boolean;
}

/** Whether two entries are the same. The size follows from the digest. */
export function sameEntry(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one.kind === 'file') return other.kind === 'file' && one.digest === other.digest && one.mode === other.mode;
  if (one.kind === 'folder') return other.kind === 'folder' && one.mode === other.mode;
  return other.kind === 'link' && one.target === other.target;
}
