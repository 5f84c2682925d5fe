/** `--filter key=value …` as Docker's API takes it: `{"key":["value",…]}` in JSON. Throws what tells people. */
export function filtersQuery(filters: readonly string[] | undefined): string | undefined {
  if (filters === undefined || filters.length === 0) return undefined;
  const map: Record<string, string[]> = {};
  for (const filter of filters) {
    const at = filter.indexOf('=');
    if (at < 1) throw new Error(`--filter ${filter}: expected key=value`);
    (map[filter.slice(0, at)] ??= []).push(filter.slice(at + 1));
  }
  return JSON.stringify(map);
}
