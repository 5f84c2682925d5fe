import { hash } from 'node:crypto';
import type { GitRule } from './gitIgnore.ts';
import { matches, parseGitIgnore } from './gitIgnore.ts';
import { childPath, foldersAbove, gitFolderOf, nameOf, stagingName } from './paths.ts';

/** What decides which paths are left out, as one side tells it to the other. */
export interface RuleSetData {
  /** Ignore files that were found: the folder they hold for, and their text. */
  readonly files: ReadonlyArray<readonly [folder: string, text: string]>;
  /** The user's own patterns, which beat all files; in the notation of .gitignore. */
  readonly extra: readonly string[];
  /** Paths that stay though a rule means them: git has them in its index. */
  readonly kept: readonly string[];
}

/** Which paths a walk takes. A folder that is left out is entered only when something below it may be kept. */
export interface PathFilter {
  ignores(path: string, isFolder: boolean): boolean;
  mayKeepBelow(folder: string): boolean;
}

/** Everything but what is never synced. */
export const everything: PathFilter = { ignores: (path) => isNeverSynced(path), mayKeepBelow: () => false };

/** Our own folder, and what git has at work: locks, sockets, objects not yet complete. */
export function isNeverSynced(path: string): boolean {
  if (path === stagingName) return true;
  const git = gitFolderOf(path);
  if (git === undefined || git === path) return false;
  return path.endsWith('.lock') || /\/objects\/(.*\/)?(tmp_|incoming-)[^/]*$/.test(path) || path.startsWith(`${git}/fsmonitor--daemon`);
}

/** Rules in git's order: the last match within a file, the nearest file, the user's patterns before all. */
export class RuleSet implements PathFilter {
  readonly #files = new Map<string, { readonly text: string; readonly rules: readonly GitRule[] }>();
  readonly #extra: readonly string[];
  readonly #extraRules: readonly GitRule[];
  readonly #kept = new Set<string>();
  readonly #aboveKept = new Set<string>();
  #tracked: ReadonlySet<string> = new Set();
  readonly #folderVerdicts = new Map<string, boolean>();

  constructor(data: RuleSetData) {
    for (const [folder, text] of data.files) this.add(folder, text);
    this.#extra = data.extra;
    this.#extraRules = parseGitIgnore(data.extra.join('\n'));
    this.#keep(data.kept);
  }

  /** Takes the ignore file of a folder into account, for what is below it. */
  add(folder: string, text: string): void {
    this.#files.set(folder, { text: joined(this.#files.get(folder)?.text, text), rules: [...(this.#files.get(folder)?.rules ?? []), ...parseGitIgnore(text)] });
  }

  /** These stay where a rule means one of them. */
  keepTracked(paths: readonly string[]): void {
    this.#tracked = new Set(paths);
    for (const path of paths) this.#addFolders(path);
  }

  ignores(path: string, isFolder: boolean): boolean {
    if (isNeverSynced(path)) return true;
    if (this.#kept.has(path)) return false;
    if (!(this.#verdict(path, isFolder) ?? false) && !this.#isInIgnored(path)) return false;
    if (!this.#tracked.has(path)) return true;
    this.#keep([path]);
    return false;
  }

  mayKeepBelow(folder: string): boolean {
    return this.#aboveKept.has(folder);
  }

  /** Of a path whose folders were not looked at: whether it or a folder above it is left out. */
  leavesOut(path: string, isFolder: boolean): boolean {
    if (this.#kept.has(path) || (isFolder && this.#aboveKept.has(path))) return isNeverSynced(path);
    if (this.ignores(path, isFolder)) return true;
    for (const folder of foldersAbove(path)) if (this.ignores(folder, true)) return true;
    return false;
  }

  /** A folder that is left out was entered for what is kept in it: the rest of it is left out all the same. */
  #isInIgnored(path: string): boolean {
    for (const folder of foldersAbove(path)) {
      if (!this.#aboveKept.has(folder)) continue;
      const known = this.#folderVerdicts.get(folder) ?? this.#verdict(folder, true) ?? false;
      this.#folderVerdicts.set(folder, known);
      if (known) return true;
    }
    return false;
  }

  #keep(paths: readonly string[]): void {
    for (const path of paths) {
      this.#kept.add(path);
      this.#addFolders(path);
    }
  }

  #addFolders(path: string): void {
    for (const folder of foldersAbove(path)) {
      if (this.#aboveKept.has(folder)) return;
      this.#aboveKept.add(folder);
    }
  }

  /** Names the rules: the same rules give the same name. */
  get digest(): string {
    return hash('sha256', JSON.stringify(this.data()));
  }

  data(): RuleSetData {
    const files = [...this.#files].map(([folder, { text }]) => [folder, text] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    return { files, extra: this.#extra, kept: [...this.#kept].sort() };
  }

  #verdict(path: string, isFolder: boolean): boolean | undefined {
    const name = nameOf(path);
    const own = lastMatch(this.#extraRules, path, name, isFolder);
    if (own !== undefined || gitFolderOf(path) !== undefined) return own;
    for (const folder of [...foldersAbove(path), '']) {
      const file = this.#files.get(folder);
      if (file === undefined) continue;
      const verdict = lastMatch(file.rules, folder === '' ? path : path.slice(folder.length + 1), name, isFolder);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
}

function lastMatch(rules: readonly GitRule[], relative: string, name: string, isFolder: boolean): boolean | undefined {
  for (let at = rules.length - 1; at >= 0; at--) {
    const rule = rules[at];
    if (rule && matches(rule, relative, name, isFolder)) return !rule.keeps;
  }
  return undefined;
}

function joined(before: string | undefined, text: string): string {
  return before === undefined ? text : `${before}\n${text}`;
}

/** Whether a file's text decides what is left out. */
export function isRuleSource(path: string): boolean {
  return path === childPath('.git', 'info/exclude') || (nameOf(path) === '.gitignore' && gitFolderOf(path) === undefined);
}
