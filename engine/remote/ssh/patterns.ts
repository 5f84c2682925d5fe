/** OpenSSH's patterns: `*` any run of characters, `?` any one. Nothing else is special. */
export function matchesPattern(text: string, pattern: string): boolean {
  let [at, from] = [0, 0];
  let [star, mark] = [-1, 0];
  while (at < text.length) {
    const char = pattern[from];
    if (char === '*') {
      [star, mark] = [from++, at];
    } else if (char === '?' || (char !== undefined && char === text[at])) {
      at++;
      from++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++mark;
    } else return false;
  }
  while (pattern[from] === '*') from++;
  return from === pattern.length;
}

/** A list of patterns, some negated by `!`: a negated one that matches decides against, else one that matches decides for. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  let found = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(text, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}
