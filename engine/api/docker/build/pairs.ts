/** `NAME=value`, several times; what a name alone stands for `alone` says, undefined: nothing. */
export function parsePairs(flag: string, texts: readonly string[], alone: (name: string) => string | undefined): Record<string, string> {
  const map: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    if (name === '') throw new Error(`${flag} ${text}: expected NAME=value`);
    const value = at === -1 ? alone(name) : text.slice(at + 1);
    if (value !== undefined) map[name] = value;
  }
  return map;
}
