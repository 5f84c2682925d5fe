const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time as Docker's API takes it, in seconds since 1970 with a fraction: from a date, seconds, or an age (`1h30m`). Throws what tells people. */
export function parseTime(text: string, now: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  if (/^(\d+(\.\d+)?[smhd])+$/.test(text)) {
    let seconds = 0;
    for (const [, count, , unit] of text.matchAll(/(\d+(\.\d+)?)([smhd])/g)) seconds += Number(count) * (UNITS[unit ?? ''] ?? 0);
    return (now / 1000 - seconds).toFixed(3);
  }
  const date = Date.parse(text);
  if (Number.isNaN(date)) throw new Error(`${text} is no time: expected a date, seconds since 1970, or an age as 10m`);
  return (date / 1000).toFixed(3);
}
