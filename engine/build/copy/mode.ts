/** What `--chmod` asks for: a mode, or changes to the one that a file has. */
export type ModeChange = number | readonly ModeClause[];

export interface ModeClause {
  /** Of `ugo`. */
  readonly who: string;
  readonly operator: '+' | '-' | '=';
  /** Of `rwxXst`, or one of `ugo` to take that one's. */
  readonly permissions: string;
}

const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
const BITS: Readonly<Record<string, number>> = { r: 4, w: 2, x: 1 };

/** `755`, or `u=rwX,go=rX`; undefined if it is neither. */
export function parseMode(text: string): ModeChange | undefined {
  if (/^[0-7]{1,5}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return mode > 0o7777 ? undefined : mode;
  }
  const clauses: ModeClause[] = [];
  for (const part of text.split(',')) {
    const match = /^([ugoa]*)((?:[+=-](?:[rwxXst]*|[ugo]))+)$/.exec(part);
    if (!match) return undefined;
    const who = match[1] === '' || match[1]?.includes('a') ? 'ugo' : (match[1] ?? '');
    for (const [, operator = '=', permissions = ''] of (match[2] ?? '').matchAll(/([+=-])([rwxXstugo]*)/g)) {
      if (operator === '+' || operator === '-' || operator === '=') clauses.push({ who, operator, permissions });
    }
  }
  return clauses;
}

/** The mode (at most 07777) of a file or folder after a change. Pure. */
export function changedMode(change: ModeChange, mode: number, isFolder: boolean): number {
  if (typeof change === 'number') return change;
  return change.reduce((now, clause) => applyClause(clause, now, isFolder), mode);
}

function applyClause({ who, operator, permissions }: ModeClause, mode: number, isFolder: boolean): number {
  let bits = 0;
  let cleared = 0;
  for (const one of who) {
    const shift = SHIFT[one] ?? 0;
    bits |= triplet(permissions, mode, isFolder) << shift;
    cleared |= 7 << shift;
    if (permissions.includes('s') && one !== 'o') bits |= one === 'u' ? 0o4000 : 0o2000;
    if (one !== 'o') cleared |= one === 'u' ? 0o4000 : 0o2000;
  }
  if (permissions.includes('t')) bits |= 0o1000;
  if (operator === '+') return mode | bits;
  return operator === '-' ? mode & ~bits : (mode & ~cleared) | bits;
}

/** `X`: execution for folders, and for files that somebody may execute. */
function triplet(permissions: string, mode: number, isFolder: boolean): number {
  const copied = /^[ugo]$/.exec(permissions)?.[0];
  if (copied !== undefined) return (mode >> (SHIFT[copied] ?? 0)) & 7;
  const executable = isFolder || (mode & 0o111) !== 0;
  return [...permissions].reduce((sum, one) => sum | (one === 'X' ? (executable ? 1 : 0) : (BITS[one] ?? 0)), 0);
}
