import { posix } from 'node:path';
import { patternToRegExp } from './dockerPatterns.ts';

interface Rule {
  readonly keeps: boolean;
  readonly regExp: RegExp;
  /** The part of the pattern before its first wildcard. */
  readonly literal: string;
}

/** The rules of a .dockerignore file: the last one that matches a path or a folder above it decides. A rule that is none is a SyntaxError. */
export class IgnoreRules {
  readonly #rules: readonly Rule[];

  constructor(text: string, file = '.dockerignore') {
    this.#rules = text
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .flatMap((line, index) => parseRule(line, `${file} line ${index + 1}`));
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Whether `path` (relative to the context, with `/`) is left out. */
  ignores(path: string): boolean {
    const paths = withParents(path);
    let ignored = false;
    for (const rule of this.#rules) {
      if (ignored !== rule.keeps) continue; // the rule could not change anything
      if (paths.some((candidate) => rule.regExp.test(candidate))) ignored = !rule.keeps;
    }
    return ignored;
  }

  /** Whether something below the ignored folder `path` may be kept all the same by a `!` rule. */
  mayKeepBelow(path: string): boolean {
    const folder = `${path}/`;
    return this.#rules.some((rule) => rule.keeps && (rule.literal.startsWith(folder) || folder.startsWith(rule.literal)));
  }
}

function parseRule(line: string, where: string): Rule[] {
  if (line.startsWith('#')) return [];
  let text = line.trim();
  if (text === '') return [];
  const keeps = text.startsWith('!');
  if (keeps) text = text.slice(1).trim();
  if (text === '') throw new SyntaxError(`${where}: illegal exclusion pattern: "!"`);
  const cleaned = posix.normalize(text).replace(/(.)\/+$/, '$1');
  const pattern = cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned;
  try {
    return [{ keeps, regExp: patternToRegExp(pattern), literal: /^[^*?[\\]*/.exec(pattern)?.[0] ?? '' }];
  } catch (error) {
    throw new SyntaxError(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function withParents(path: string): string[] {
  const names = path.split('/');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
