import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';

/** One `key=value` of a `--mount`; `value` is '' for a bare key. */
export interface MountOption {
  readonly value: string;
  readonly token: Token;
}

const ALIASES: Readonly<Record<string, string>> = { dst: 'target', destination: 'target', src: 'source', readonly: 'ro', readwrite: 'rw' };
/** Keys that may stand alone. */
const SWITCHES = new Set(['ro', 'rw', 'required']);

/** The fields of a `--mount`, by their canonical names: comma-separated, quoted where they hold a comma (as in CSV). */
export function mountOptions(at: Statement, whole: Token): Map<string, MountOption> {
  const options = new Map<string, MountOption>();
  for (const { text, start, end } of fields(at, whole)) {
    const token = at.token(start, end);
    const equals = text.indexOf('=');
    const written = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    const name = ALIASES[written] ?? written;
    if (equals < 0 && !SWITCHES.has(name)) at.fail(`invalid field '${text}' must be a key=value pair`, token);
    options.set(name, { value: equals < 0 ? 'true' : text.slice(equals + 1), token });
  }
  return options;
}

/** A field in quotes begins with one; two in a row inside stand for one. */
function* fields(at: Statement, whole: Token): Generator<{ readonly text: string; readonly start: number; readonly end: number }> {
  const pattern = /"((?:[^"]|"")*)"(?=,|$)|([^,]*)/gy;
  for (let offset = 0; offset <= whole.text.length; ) {
    pattern.lastIndex = offset;
    const match = pattern.exec(whole.text);
    if (!match) return at.fail('the quotes in this mount do not match', whole);
    const text = match[1]?.replaceAll('""', '"') ?? match[2] ?? '';
    yield { text, start: whole.start + offset, end: whole.start + offset + match[0].length };
    offset += match[0].length + 1;
  }
}
