import { closeSync, existsSync, fchmodSync, fchownSync, fstatSync, lchownSync, linkSync, lstatSync, mkdirSync, openSync, renameSync, rmSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { systemCode } from '../errors.ts';
import type { Capabilities, Change, Entry, FileEntry, Outcome } from '../sync/entry.ts';
import { inOrder } from '../sync/applyOrder.ts';
import { isGitIndex } from '../sync/gitIndex.ts';
import { gitFolderOf, nameOf, parentOf, stagingName } from '../sync/paths.ts';
import { breathe, isLong } from './breathe.ts';
import { FolderWalk, copyRegular, isMissing, readFlags } from './folderWalk.ts';
import type { StagingFolder } from './staging.ts';
import type { TreeIndex } from './treeIndex.ts';
import { markOf, sameMark } from './treeIndex.ts';

export interface ApplyParts {
  readonly root: string;
  readonly index: TreeIndex;
  readonly staging: StagingFolder;
  readonly capabilities: Capabilities;
  /** Whose new things are; absent: whoever runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Something else than the plan thinks is at the path. */
class Stale extends Error {}

/** Makes changes in a folder that others may be changing at the same time; what they did after the last look is never overwritten. */
export class Applier {
  readonly #parts: ApplyParts;
  readonly #walk: FolderWalk;
  readonly #uses = new Map<string, number>();
  readonly #umask = process.umask();

  constructor(parts: ApplyParts, walk: FolderWalk) {
    this.#parts = parts;
    this.#walk = walk;
  }

  static async apply(parts: ApplyParts, changes: readonly Change[]): Promise<Map<string, Outcome>> {
    using walk = new FolderWalk(parts.root);
    return await new Applier(parts, walk).#all(changes);
  }

  async #all(changes: readonly Change[]): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    for (const { from, to } of changes) if (needsContent(from, to)) this.#uses.set(to.digest, (this.#uses.get(to.digest) ?? 0) + 1);
    for (const change of inOrder(changes, this.#parts.capabilities)) {
      const blocked = change.after !== undefined && outcomes.get(change.after)?.kind !== 'done';
      outcomes.set(change.path, blocked ? { kind: 'stale' } : this.#one(change));
      if (isLong()) await breathe();
    }
    return outcomes;
  }

  #one(change: Change): Outcome {
    try {
      this.#leaveToGit(change.path);
      const place = this.#walk.enter(parentOf(change.path)) + nameOf(change.path);
      const there = this.#check(change, place);
      this.#make(change, place, there);
      return { kind: 'done' };
    } catch (error) {
      return error instanceof Stale || isMissing(error) || systemCode(error) === 'EEXIST' ? { kind: 'stale' } : { kind: 'problem', detail: describe(error, change) };
    }
  }

  /** While git is at work in a repository, what is its own is not touched. */
  #leaveToGit(path: string): void {
    const git = gitFolderOf(path);
    if (git === undefined || git === path || this.#parts.index.get(git) === undefined) return;
    if (existsSync(`${this.#walk.enter(git)}index.lock`)) throw new Stale();
  }

  /** What is there, if it is what the last look found. */
  #check({ path, from }: Change, place: string): Stats | undefined {
    const known = this.#parts.index.get(path);
    const there = lookAt(place);
    if (from === undefined || known === undefined) {
      if (from !== undefined || known !== undefined || there !== undefined) throw new Stale();
      return undefined;
    }
    const kind = there === undefined ? undefined : kindOf(there);
    if (there === undefined || kind !== known.entry.kind || kind !== from.kind) throw new Stale();
    if (kind !== 'folder' && !sameMark(known.mark, markOf(there))) throw new Stale();
    if (from.kind === 'file' && known.entry.kind === 'file' && from.digest !== known.entry.digest) throw new Stale();
    return there;
  }

  #make(change: Change, place: string, there: Stats | undefined): void {
    const { path, from, to } = change;
    if (to?.kind === 'folder') this.#folder(from, to.mode, place, there);
    else {
      if (from?.kind === 'folder') this.#removeFolder(path, place);
      if (to === undefined) {
        if (there && from?.kind !== 'folder') this.#removeLeaf(place, there);
        this.#parts.index.remove(path);
        this.#parts.index.acknowledge(path);
        return;
      }
      const old = from?.kind === 'folder' ? undefined : there;
      if (to.kind === 'link') this.#link(to.target, place, old);
      else if (from?.kind === 'file' && from.digest === to.digest && old) this.#permissions(place, to.mode);
      else this.#file(path, to, place, old);
    }
    const now = lstatSync(this.#walk.enter(parentOf(path)) + nameOf(path));
    this.#parts.index.set(path, to.kind === 'folder' ? { entry: to } : { entry: to, mark: markOf(now) });
    this.#parts.index.acknowledge(path);
  }

  #folder(from: Entry | undefined, mode: number, place: string, there: Stats | undefined): void {
    if (there && from?.kind !== 'folder') this.#removeLeaf(place, there);
    if (from?.kind !== 'folder') {
      mkdirSync(place, { mode });
      this.#own((uid, gid) => lchownSync(place, uid, gid));
    }
    if (from?.kind === 'folder' || (mode & this.#umask) !== 0) this.#permissions(place, mode);
  }

  #removeFolder(path: string, place: string): void {
    this.#walk.forget(path);
    rmdirSync(place);
  }

  /** Moved away first and looked at there: what was written in the last moment comes back. */
  #removeLeaf(place: string, there: Stats): void {
    const away = this.#parts.staging.place(`gone-${there.ino}`);
    try {
      renameSync(place, away);
    } catch (error) {
      if (systemCode(error) !== 'EXDEV') throw error;
      unlinkSync(place);
      return;
    }
    if (isUnchanged(lookAt(away), there)) {
      unlinkSync(away);
      return;
    }
    if (kindOf(lstatSync(away)) === 'folder') renameSync(away, place);
    else {
      linkSync(away, place);
      unlinkSync(away);
    }
    throw new Stale();
  }

  #link(target: string, place: string, old: Stats | undefined): void {
    const temp = this.#parts.staging.place('link');
    rmSync(temp, { force: true });
    symlinkSync(target, temp);
    this.#own((uid, gid) => lchownSync(temp, uid, gid));
    this.#moveIn(temp, place, old);
  }

  #file(path: string, to: FileEntry, place: string, old: Stats | undefined): void {
    const staged = this.#takeStaged(to.digest);
    this.#permissions(staged, to.mode);
    if (isGitIndex(path)) {
      // Git's own way: who holds the lock may replace the index.
      const lock = `${this.#walk.enter(parentOf(path))}index.lock`;
      linkSync(staged, lock);
      unlinkSync(staged);
      try {
        this.#moveIn(lock, place, old);
      } catch (error) {
        rmSync(lock, { force: true });
        throw error;
      }
    } else this.#moveIn(staged, place, old);
  }

  /** The staged file itself for its last use, a copy before. */
  #takeStaged(digest: string): string {
    const { staging } = this.#parts;
    const uses = this.#uses.get(digest) ?? 1;
    this.#uses.set(digest, uses - 1);
    if (lookAt(staging.place(digest)) === undefined) throw new Stale();
    if (uses <= 1) return staging.place(digest);
    copyRegular(staging.place(digest), staging.place('copy'));
    return staging.place('copy');
  }

  /** Puts a finished file or link in its place in one step. What it replaces is held until it is sure that it had not changed. */
  #moveIn(ready: string, place: string, old: Stats | undefined): void {
    const source = this.#sameDevice(ready, place);
    if (old === undefined) {
      moveWithoutReplacing(source, place);
      return;
    }
    const held = this.#parts.staging.place(`held-${old.ino}`);
    rmSync(held, { force: true });
    const isHeld = linkQuietly(place, held);
    if (!isHeld && !isUnchanged(lookAt(place), old)) throw new Stale();
    renameSync(source, place);
    if (!isHeld) return;
    const kept = lookAt(held);
    if (isUnchanged(kept, old)) unlinkSync(held);
    else {
      renameSync(held, place);
      throw new Stale();
    }
  }

  /** A folder in the root can be another file system: there a copy is moved. */
  #sameDevice(ready: string, place: string): string {
    const target = lookAt(`${place.slice(0, place.length - nameOf(place).length)}.`);
    const source = lstatSync(ready);
    if (target === undefined || target.dev === source.dev || source.isSymbolicLink()) return ready;
    const beside = `${place.slice(0, place.length - nameOf(place).length)}${stagingName}-tmp`;
    copyRegular(ready, beside);
    this.#permissions(beside, source.mode & 0o777);
    unlinkSync(ready);
    return beside;
  }

  #permissions(place: string, mode: number): void {
    if (!this.#parts.capabilities.modes) return;
    if (!this.#parts.owner && (lstatSync(place).mode & 0o777) === mode) return;
    const file = openSync(place, readFlags);
    try {
      if ((fstatSync(file).mode & 0o777) !== mode) fchmodSync(file, mode);
      this.#own((uid, gid) => fchownSync(file, uid, gid));
    } finally {
      closeSync(file);
    }
  }

  #own(chown: (uid: number, gid: number) => void): void {
    if (this.#parts.owner) chown(this.#parts.owner.uid, this.#parts.owner.gid);
  }
}

/** Whether content must be staged for a change. */
export function needsContent(from: Entry | undefined, to: Entry | undefined): to is FileEntry {
  return to?.kind === 'file' && !(from?.kind === 'file' && from.digest === to.digest);
}

function moveWithoutReplacing(source: string, place: string): void {
  if (linkQuietly(source, place)) unlinkSync(source);
  else if (lookAt(place) === undefined) renameSync(source, place);
  else throw new Stale();
}

/** False: this file system has no second names. */
function linkQuietly(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}

function lookAt(place: string): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}

function kindOf(stats: Stats): Entry['kind'] | undefined {
  return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'link' : undefined;
}

/** Not by the time of the last change of the inode: renames and second names are such changes. */
function isUnchanged(now: Stats | undefined, before: Stats): boolean {
  return now !== undefined && now.ino === before.ino && now.size === before.size && now.mtimeMs === before.mtimeMs;
}

function describe(error: unknown, { path, from, to }: Change): string {
  const code = systemCode(error);
  if (code === 'ENOTEMPTY') return `the folder ${path} stays: it holds files that are not synced`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full';
  if (code === 'EACCES' || code === 'EPERM') return `it may not be ${to === undefined ? 'removed' : from === undefined ? 'made' : 'changed'} (${code})`;
  return code ?? (error instanceof Error ? error.message : String(error));
}
