import { FlagUnsupported } from './flags.ts';
import type { Flag } from './flags.ts';

/** A flag that is not known, not supported, or has a bad value. `index`: of the argument that is wrong. */
export class FlagArgError extends Error {
  override readonly name = 'FlagArgError';
  readonly code = 'RUN_ARG_INVALID';
  readonly index: number;
  readonly flag: string;
  readonly kind: 'unknown' | 'unsupported' | 'invalid';
  readonly params: Readonly<Record<string, string | number>>;

  constructor(kind: 'unknown' | 'unsupported' | 'invalid', index: number, flag: string, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.kind = kind;
    this.index = index;
    this.flag = flag;
    this.params = { index, flag, kind };
  }
}

/** The flags of a command. */
export class FlagTable<Draft, Host> {
  readonly command: string;
  readonly byName: ReadonlyMap<string, Flag<Draft, Host>>;

  constructor(command: string, flags: ReadonlyArray<Flag<Draft, Host>>) {
    this.command = command;
    this.byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  }
}

/** Applies flags to a draft, up to the first argument that is none; what follows. Throws FlagArgError. */
export function parseFlags<Draft, Host>(table: FlagTable<Draft, Host>, args: readonly string[], draft: Draft, host: Host): readonly string[] {
  let at = 0;
  while (at < args.length) {
    const arg = args[at] ?? '';
    if (arg === '--') return args.slice(at + 1);
    if (!arg.startsWith('-') || arg === '-') break;
    at = arg.startsWith('--') ? long(table, args, at, draft, host) : short(table, args, at, draft, host);
  }
  return args.slice(at);
}

/** `--name value`, `--name=value`, `--switch`, `--switch=false`. Returns where the next argument is. */
function long<Draft, Host>(table: FlagTable<Draft, Host>, args: readonly string[], at: number, draft: Draft, host: Host): number {
  const arg = args[at] ?? '';
  const equals = arg.indexOf('=');
  const name = equals === -1 ? arg : arg.slice(0, equals);
  const flag = find(table, name.slice(2), name, at);
  if (equals !== -1) return apply(flag, name, arg.slice(equals + 1), at, at + 1, draft, host);
  if (flag.value === undefined) return apply(flag, name, 'true', at, at + 1, draft, host);
  return apply(flag, name, next(args, at, name), at, at + 2, draft, host);
}

/** `-p value`, `-pvalue`, `-p=value`, and switches together: `-it`, `-itp 80:80`. */
function short<Draft, Host>(table: FlagTable<Draft, Host>, args: readonly string[], at: number, draft: Draft, host: Host): number {
  const letters = (args[at] ?? '').slice(1);
  for (let index = 0; index < letters.length; index += 1) {
    const name = `-${letters[index] ?? ''}`;
    const flag = find(table, letters[index] ?? '', name, at);
    const rest = letters.slice(index + 1);
    if (flag.value !== undefined) {
      if (rest === '') return apply(flag, name, next(args, at, name), at, at + 2, draft, host);
      return apply(flag, name, rest.startsWith('=') ? rest.slice(1) : rest, at, at + 1, draft, host);
    }
    if (rest.startsWith('=')) return apply(flag, name, rest.slice(1), at, at + 1, draft, host);
    apply(flag, name, 'true', at, at, draft, host);
  }
  return at + 1;
}

function find<Draft, Host>(table: FlagTable<Draft, Host>, name: string, shown: string, at: number): Flag<Draft, Host> {
  const flag = table.byName.get(name);
  // `-name` is no long flag: one letter names go with one dash only.
  if (!flag || (shown.startsWith('--') && name.length === 1)) throw new FlagArgError('unknown', at, shown, `${shown} is not a flag of ${table.command} that Berth knows`);
  return flag;
}

function next(args: readonly string[], at: number, name: string): string {
  const value = args[at + 1];
  if (value === undefined) throw new FlagArgError('invalid', at, name, `${name} needs a value`);
  return value;
}

function apply<Draft, Host>(flag: Flag<Draft, Host>, name: string, value: string, at: number, then: number, draft: Draft, host: Host): number {
  try {
    flag.apply(draft, value, host);
    return then;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof FlagUnsupported) throw new FlagArgError('unsupported', at, name, `${name}: ${detail}`, { cause: error });
    // A value of its own argument is the wrong one, not the flag before it.
    throw new FlagArgError('invalid', then === at + 2 ? at + 1 : at, name, `${name} ${value}: ${detail}`, { cause: error });
  }
}
