/** Whether labels satisfy every `key` or `key=value` of a filter. */
export function labelsMatch(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((label) => {
    const split = label.indexOf('=');
    return split < 0 ? label in labels : labels[label.slice(0, split)] === label.slice(split + 1);
  });
}
