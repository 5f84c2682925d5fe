/** One pattern in Docker's notation: `*`, `?`, `[…]` within a name, `**` across names, `\` before a character that means itself. */
export function patternToRegExp(pattern: string): RegExp {
  let out = '^';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '*' && pattern.charAt(i + 1) === '*') {
      i++;
      if (pattern.charAt(i + 1) === '/') i++;
      out += i + 1 >= pattern.length ? '.*' : '(.*/)?';
    } else if (char === '*') out += '[^/]*';
    else if (char === '?') out += '[^/]';
    else if (char === '\\' && i + 1 < pattern.length) out += quote(pattern.charAt(++i));
    else if (char === '[') {
      const end = classEnd(pattern, i);
      out += characterClass(pattern.slice(i + 1, end));
      i = end;
    } else out += quote(char);
  }
  return new RegExp(`${out}$`, 's');
}

/** Whether a path component needs matching rather than comparing. */
export function hasWildcard(text: string): boolean {
  return /[*?[\\]/.test(text);
}

function classEnd(pattern: string, start: number): number {
  const end = pattern.indexOf(']', start + 2);
  if (end < 0) throw new SyntaxError(`syntax error in pattern: "${pattern}" has no closing ]`);
  return end;
}

function characterClass(body: string): string {
  const negated = body.startsWith('^') || body.startsWith('!');
  const inner = (negated ? body.slice(1) : body).replace(/[\\\]^[]/g, '\\$&');
  return `[${negated ? '^' : ''}${inner}]`;
}

function quote(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
