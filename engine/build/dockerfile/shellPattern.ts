/** The modifiers of `${x…}` that cut and replace, with the patterns of shells: `*`, `?`, and `\` before a character that means itself. */

/** `#`, `##`: without the shortest, the longest beginning that matches; `%`, `%%`: the same at the end. */
export function trimPattern(value: string, operator: '#' | '##' | '%' | '%%', pattern: string): string {
  const whole = new RegExp(`^(?:${source(pattern)})$`, 's');
  const longest = operator.length === 2;
  for (let step = 0; step <= value.length; step += 1) {
    const length = longest ? value.length - step : step;
    const cut = operator.startsWith('#') ? value.slice(0, length) : value.slice(value.length - length);
    if (whole.test(cut)) return operator.startsWith('#') ? value.slice(length) : value.slice(0, value.length - length);
  }
  return value;
}

/** `/`: the first match (the longest at its place) replaced; `//`: all of them. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  if (pattern === '') return value;
  return value.replace(new RegExp(source(pattern), all ? 'gs' : 's'), () => replacement);
}

function source(pattern: string): string {
  return pattern.replace(/\\(.)|[*?]|[^*?\\]+|\\$/gs, (part: string, escaped: string | undefined) => {
    if (escaped !== undefined) return quote(escaped);
    if (part === '*') return '.*';
    return part === '?' ? '.' : quote(part);
  });
}

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
