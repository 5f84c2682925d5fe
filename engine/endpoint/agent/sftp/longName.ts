import type { Stats } from 'node:fs';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HALF_YEAR_MS = (365 * 24 * 3600 * 1000) / 2;

/** A line of `ls -l`, in UTC: clients show it to people. Pure. */
export function longName(name: string, stats: Stats, now: number = Date.now()): string {
  const time = stats.mtime;
  const recent = Math.abs(now - time.getTime()) < HALF_YEAR_MS;
  const day = `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)}`;
  const when = recent ? `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}` : ` ${time.getUTCFullYear()}`;
  return `${modeText(stats)} ${String(stats.nlink).padStart(3)} ${String(stats.uid).padEnd(8)} ${String(stats.gid).padEnd(8)} ${String(stats.size).padStart(8)} ${day} ${when} ${name}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function modeText(stats: Stats): string {
  const { mode } = stats;
  const bits = (shift: number, special: number, mark: string): string => {
    const executable = ((mode >> shift) & 1) !== 0;
    const set = (mode & special) !== 0;
    return `${(mode >> shift) & 4 ? 'r' : '-'}${(mode >> shift) & 2 ? 'w' : '-'}${set ? (executable ? mark : mark.toUpperCase()) : executable ? 'x' : '-'}`;
  };
  return `${kindOf(stats)}${bits(6, 0o4000, 's')}${bits(3, 0o2000, 's')}${bits(0, 0o1000, 't')}`;
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'd';
  if (stats.isSymbolicLink()) return 'l';
  if (stats.isCharacterDevice()) return 'c';
  if (stats.isBlockDevice()) return 'b';
  if (stats.isFIFO()) return 'p';
  return stats.isSocket() ? 's' : '-';
}
