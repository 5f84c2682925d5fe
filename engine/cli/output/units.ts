/** Bytes for people, in powers of 1000 as Docker's: `1.23GB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : trimmed(value)}${units[unit] ?? ''}`;
}

/** Three significant digits, no zeros behind. */
function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** How long ago, in the one largest unit: `5 minutes ago`. Milliseconds since 1970. */
export function formatAge(then: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 1) return 'Less than a second ago';
  const units: Array<[number, string]> = [[1, 'second'], [60, 'minute'], [3600, 'hour'], [86_400, 'day'], [7 * 86_400, 'week'], [30 * 86_400, 'month'], [365 * 86_400, 'year']];
  const [size, name] = units.findLast(([limit]) => seconds >= limit) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}

/** An id as it is shown: 12 digits, without `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** Seconds or milliseconds of work: `1.2s`, `340ms`. */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)}ms` : `${(milliseconds / 1000).toFixed(1)}s`;
}
