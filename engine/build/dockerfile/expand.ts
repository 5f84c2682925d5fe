import type { Place } from '../errors.ts';
import { replacePattern, trimPattern } from './shellPattern.ts';

/** The value of a variable, or undefined when it is not set. */
export interface Lookup {
  (name: string): string | undefined;
  /** Hears of a variable that is used as if it were set, and is not, and where. */
  readonly onMissing?: (name: string, place: Place) => void;
}

export interface ExpandProblem {
  /** Offset into the word. */
  readonly at: number;
  readonly detail: string;
  readonly unsupported?: true;
}

type Fail = (problem: ExpandProblem) => never;
type Missing = (name: string, at: number) => void;

/** Removes quotes and escapes and replaces `$x`, `${x}`, `${x:-d}`, `${x:+d}`, `${x:?m}` (and the forms without colon), `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`, `${x/p/r}`, `${x//p/r}`. */
export function expandWord(word: string, escape: string, lookup: Lookup, fail: Fail, missing: Missing = () => undefined): string {
  return new Expander(word, escape, lookup, fail, missing).until('');
}

class Expander {
  readonly #word: string;
  readonly #escape: string;
  readonly #lookup: Lookup;
  readonly #fail: Fail;
  readonly #missing: Missing;
  #at = 0;

  constructor(word: string, escape: string, lookup: Lookup, fail: Fail, missing: Missing) {
    this.#word = word;
    this.#escape = escape;
    this.#lookup = lookup;
    this.#fail = fail;
    this.#missing = missing;
  }

  /** Expands up to `stop` (left unread) or to the end. */
  until(stop: string): string {
    let out = '';
    while (this.#at < this.#word.length) {
      const char = this.#word.charAt(this.#at);
      if (stop !== '' && char === stop) return out;
      if (char === "'") out += this.#singleQuoted();
      else if (char === '"') out += this.#doubleQuoted();
      else if (char === '$') out += this.#variable();
      else if (char === this.#escape) {
        out += this.#word.charAt(this.#at + 1);
        this.#at += 2;
      } else {
        out += char;
        this.#at++;
      }
    }
    return out;
  }

  #singleQuoted(): string {
    const end = this.#word.indexOf("'", this.#at + 1);
    if (end < 0) this.#fail({ at: this.#at, detail: "unexpected end of statement while looking for matching single quote (')" });
    const text = this.#word.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    const start = this.#at++;
    let out = '';
    while (this.#at < this.#word.length) {
      const char = this.#word.charAt(this.#at);
      if (char === '"') {
        this.#at++;
        return out;
      }
      if (char === '$') out += this.#variable();
      else if (char === this.#escape) {
        const next = this.#word.charAt(this.#at + 1);
        // Within double quotes the escape character stands for itself unless it protects something special.
        out += next === '"' || next === '$' || next === this.#escape ? next : char + next;
        this.#at += 2;
      } else {
        out += char;
        this.#at++;
      }
    }
    return this.#fail({ at: start, detail: 'unexpected end of statement while looking for matching double-quote (")' });
  }

  #variable(): string {
    const start = this.#at++;
    if (this.#word.charAt(this.#at) === '{') return this.#braced(start);
    const name = /^([A-Za-z_][A-Za-z0-9_]*|[0-9@*#])/.exec(this.#word.slice(this.#at))?.[0];
    if (name === undefined) return '$';
    this.#at += name.length;
    return this.#valueOf(name, start) ?? '';
  }

  #valueOf(name: string, at: number): string | undefined {
    const value = this.#lookup(name);
    if (value === undefined) this.#missing(name, at);
    return value;
  }

  #braced(start: number): string {
    this.#at++;
    const name = /^([A-Za-z_][A-Za-z0-9_]*|[0-9@*#])/.exec(this.#word.slice(this.#at))?.[0];
    if (name === undefined) return this.#fail({ at: start, detail: 'bad substitution: a name must follow ${' });
    this.#at += name.length;
    const operator = /^(:?[-+?]|##?|%%?|\/\/?|)/.exec(this.#word.slice(this.#at))?.[0] ?? '';
    const value = /[-+?]$/.test(operator) ? this.#lookup(name) : this.#valueOf(name, start); // those say what to do without a value
    this.#at += operator.length;
    if (/^[#%/]/.test(operator)) return this.#cut(value ?? '', operator, start);
    if (operator === '' && this.#word.charAt(this.#at) !== '}') return this.#fail({ at: start, detail: this.#at >= this.#word.length ? 'unexpected end of statement: the closing } is missing' : `unsupported modifier in \${${name}…}` });
    const argument = operator === '' ? '' : this.until('}');
    if (this.#word.charAt(this.#at) !== '}') return this.#fail({ at: start, detail: 'unexpected end of statement: the closing } is missing' });
    this.#at++;
    return this.#choose({ name, value, operator, argument, start });
  }

  /** `${x#…}` and the like; their patterns keep the escape character, which takes a meaning away there too. */
  #cut(value: string, operator: string, start: number): string {
    const replaces = operator.startsWith('/');
    const pattern = this.#pattern(replaces ? '/}' : '}');
    const replacement = replaces && this.#word.charAt(this.#at) === '/' ? this.#replacement() : '';
    if (this.#word.charAt(this.#at) !== '}') return this.#fail({ at: start, detail: 'unexpected end of statement: the closing } is missing' });
    this.#at++;
    if (replaces) return replacePattern(value, pattern, replacement, operator === '//');
    return operator === '#' || operator === '##' || operator === '%' || operator === '%%' ? trimPattern(value, operator, pattern) : value;
  }

  #replacement(): string {
    this.#at++;
    return this.until('}');
  }

  /** Up to one of `stops`, which is left unread. Quoted text and the values of variables mean themselves only as patterns do in a shell. */
  #pattern(stops: string): string {
    let out = '';
    while (this.#at < this.#word.length) {
      const char = this.#word.charAt(this.#at);
      if (stops.includes(char)) return out;
      if (char === "'") out += literal(this.#singleQuoted());
      else if (char === '"') out += literal(this.#doubleQuoted());
      else if (char === '$') out += this.#variable();
      else if (char === this.#escape) {
        out += literal(this.#word.charAt(this.#at + 1));
        this.#at += 2;
      } else {
        out += char === '\\' ? '\\\\' : char;
        this.#at++;
      }
    }
    return out;
  }

  #choose(p: { name: string; value: string | undefined; operator: string; argument: string; start: number }): string {
    const present = p.value !== undefined && (p.value !== '' || !p.operator.startsWith(':'));
    if (p.operator.endsWith('-')) return present ? (p.value ?? '') : p.argument;
    if (p.operator.endsWith('+')) return present ? p.argument : '';
    if (p.operator.endsWith('?') && !present) return this.#fail({ at: p.start, detail: `${p.name}: ${p.argument === '' ? 'not set' : p.argument}` });
    return p.value ?? '';
  }
}

/** Text as a pattern that matches just it. */
function literal(text: string): string {
  return text.replace(/[*?\\]/g, '\\$&');
}
