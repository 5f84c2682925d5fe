import { readFileSync } from 'node:fs';
import { readGitIndex } from '../sync/gitIndex.ts';
import { RuleSet, isRuleSource } from '../sync/ruleSet.ts';
import { FolderWalk, isMissing } from './folderWalk.ts';

/** The rules that a folder's own files make. `.gitignore` files are added while the folder is walked, each before what it is about. */
export class LocalRules {
  readonly #root: string;
  readonly #options: { readonly gitignore: boolean; readonly extra: readonly string[] };
  #rules: RuleSet;

  constructor(root: string, options: { readonly gitignore: boolean; readonly extra: readonly string[] }) {
    this.#root = root;
    this.#options = options;
    this.#rules = new RuleSet({ files: [], extra: options.extra, kept: [] });
  }

  get rules(): RuleSet {
    return this.#rules;
  }

  get readsFiles(): boolean {
    return this.#options.gitignore;
  }

  /** Whether a change at one of these paths may change the rules. */
  concerns(paths: Iterable<string>): boolean {
    if (!this.readsFiles) return false;
    for (const path of paths) if (isRuleSource(path)) return true;
    return false;
  }

  /** New rules for a walk through everything. */
  begin(): RuleSet {
    this.#rules = new RuleSet({ files: [], extra: this.#options.extra, kept: [] });
    if (this.readsFiles) {
      const exclude = this.#read('.git/info', 'exclude')?.toString('utf8');
      if (exclude !== undefined && /^[^#\n]/m.test(exclude)) this.#rules.add('', exclude);
      this.#rules.keepTracked(this.#tracked());
    }
    return this.#rules;
  }

  /** What git has in its index is never ignored. */
  #tracked(): readonly string[] {
    const data = this.#read('.git', 'index');
    return (data && readGitIndex(data)?.paths) ?? [];
  }

  #read(folder: string, name: string): Buffer | undefined {
    using walk = new FolderWalk(this.#root);
    try {
      return readFileSync(walk.enter(folder) + name);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}
