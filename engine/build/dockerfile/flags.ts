import type { Token } from './position.ts';
import type { Statement } from './statement.ts';

/** `--name=value` in front of the arguments. `value` is undefined for a bare `--name`. */
export interface Flag {
  readonly name: string;
  readonly token: Token;
  readonly value?: Token;
}

export interface Flags {
  readonly all: readonly Flag[];
  /** Offset of the first argument behind the flags. */
  readonly end: number;
}

/** Which flags there are, and whether they have a value. Others are syntax errors. */
export type FlagRules = Readonly<Record<string, 'value' | 'boolean'>>;

/** Reads the flags of an instruction and checks them against its rules. */
export function readFlags(at: Statement, rules: FlagRules): Flags {
  const text = at.source.text;
  const all: Flag[] = [];
  let end = at.argsAt;
  for (;;) {
    const match = /^--(\S*)\s*/.exec(text.slice(end));
    const body = match?.[1];
    if (!match || body === undefined) break;
    const token = at.token(end, end + 2 + body.length);
    end += match[0].length;
    if (body === '') break;
    all.push(checked(at, token, body, rules));
  }
  return { all, end };
}

/** The value of the flag `name`, if it is there. */
export function flagValue(flags: Flags, name: string): Token | undefined {
  return flags.all.find((flag) => flag.name === name)?.value;
}

/** Whether a boolean flag is there and not `=false`. */
export function isOn(flags: Flags, name: string): boolean {
  const flag = flags.all.find((one) => one.name === name);
  return flag !== undefined && flag.value?.text !== 'false';
}

function checked(at: Statement, token: Token, body: string, rules: FlagRules): Flag {
  const equals = body.indexOf('=');
  const name = equals < 0 ? body : body.slice(0, equals);
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) return at.fail(`unknown flag: --${name}`, token);
  if (rule === 'value' && equals < 0) return at.fail(`missing a value on flag: --${name}`, token);
  const value = equals < 0 ? undefined : at.token(token.start + 2 + equals + 1, token.end);
  if (rule === 'boolean' && value && value.text !== 'true' && value.text !== 'false') return at.fail(`expecting boolean value for flag --${name}`, token);
  return { name, token, ...(value ? { value } : {}) };
}
