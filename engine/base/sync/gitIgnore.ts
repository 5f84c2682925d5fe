/** One line of a .gitignore. */
export interface GitRule {
  readonly keeps: boolean;
  readonly foldersOnly: boolean;
  /** A plain name that is compared with the last name of a path. */
  readonly name?: string;
  /** Tested against the path relative to the file's folder, or against the last name alone. */
  readonly regExp?: RegExp;
  readonly wholePath: boolean;
}

/** The rules of a .gitignore, in git's own reading of it (gitignore(5)). Lines that git could not read either are left out. */
export function parseGitIgnore(text: string): GitRule[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line) => parseLine(line));
}

function parseLine(line: string): GitRule[] {
  if (line.startsWith('#')) return [];
  let pattern = withoutTrailingSpaces(line);
  const keeps = pattern.startsWith('!');
  if (keeps) pattern = pattern.slice(1);
  const foldersOnly = pattern.endsWith('/');
  if (foldersOnly) pattern = pattern.slice(0, -1);
  if (pattern === '') return [];
  const wholePath = pattern.includes('/');
  if (pattern.startsWith('/')) pattern = pattern.slice(1);
  if (pattern === '') return [];
  if (!wholePath && !/[*?[\\]/.test(pattern)) return [{ keeps, foldersOnly, wholePath, name: pattern }];
  const regExp = toRegExp(pattern);
  return regExp === undefined ? [] : [{ keeps, foldersOnly, wholePath, regExp }];
}

/** Whether a rule is about this path. `relative`: to the folder of the rule's file. */
export function matches(rule: GitRule, relative: string, name: string, isFolder: boolean): boolean {
  if (rule.foldersOnly && !isFolder) return false;
  if (rule.name !== undefined) return rule.name === name;
  return rule.regExp?.test(rule.wholePath ? relative : name) ?? false;
}

function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line.charAt(end - 1) === ' ' && line.charAt(end - 2) !== '\\') end--;
  return line.slice(0, end);
}

function toRegExp(pattern: string): RegExp | undefined {
  let out = '^';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '*') {
      const [piece, length] = stars(pattern, at);
      out += piece;
      at += length - 1;
    } else if (char === '?') out += '[^/]';
    else if (char === '\\') {
      if (at + 1 >= pattern.length) return undefined;
      out += quote(pattern.charAt(++at));
    } else if (char === '[') {
      const end = pattern.indexOf(']', /[!^]/.test(pattern.charAt(at + 1)) ? at + 3 : at + 2);
      if (end < 0) return undefined;
      out += characterClass(pattern.slice(at + 1, end));
      at = end;
    } else out += quote(char);
  }
  try {
    return new RegExp(`${out}$`, 's');
  } catch {
    return undefined;
  }
}

/** `**` means something only as a whole name; elsewhere it is like one star. */
function stars(pattern: string, at: number): [piece: string, length: number] {
  const starts = at === 0 || pattern.charAt(at - 1) === '/';
  if (starts && pattern.startsWith('**/', at)) return ['(?:[^/]+/)*', 3];
  if (starts && pattern.slice(at) === '**') return ['.+', 2];
  let length = 1;
  while (pattern.charAt(at + length) === '*') length++;
  return ['[^/]*', length];
}

function characterClass(body: string): string {
  const negated = body.startsWith('^') || body.startsWith('!');
  const inner = (negated ? body.slice(1) : body).replace(/\\(.)/g, '$1').replace(/[\\\][^]/g, String.raw`\$&`);
  return `[${negated ? '^/' : ''}${inner}]`;
}

function quote(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
