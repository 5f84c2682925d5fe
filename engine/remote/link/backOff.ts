/** Milliseconds before an attempt to connect again: at once, then doubling up to half a minute, spread by a quarter so that many clients do not come together. `random`: 0 to 1. */
export function backOff(attempt: number, random: number): number {
  if (attempt <= 1) return 0;
  const base = Math.min(30_000, 250 * 2 ** (attempt - 2));
  return Math.round(base * (0.75 + random / 2));
}
