import { FlagUnsupported } from './flags.ts';
import type { RunDraft, RunFlag, RunHost } from './flags.ts';
import { healthFlags } from './healthFlags.ts';
import { clientFlags, hostFlags } from './hostFlags.ts';
import { networkFlags } from './networkFlags.ts';
import { settingsFlags } from './settingsFlags.ts';

export const runFlags: readonly RunFlag[] = [...settingsFlags, ...networkFlags, ...healthFlags, ...hostFlags, ...clientFlags];
const byName = new Map(runFlags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));

/** A flag of `docker run` that is not known, not supported, or has a bad value. `index`: of the argument that is wrong. */
export class RunArgError extends Error {
  override readonly name = 'RunArgError';
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

export interface ParsedRunArgs {
  readonly draft: RunDraft;
  /** What follows the flags: for `docker run`, the image and the command. */
  readonly rest: readonly string[];
}

/** Parses the flags of `docker run` up to the first argument that is none. Pure but for what `host` reads. Throws RunArgError. */
export function parseRunArgs(args: readonly string[], host: RunHost): ParsedRunArgs {
  const draft: RunDraft = { body: { HostConfig: {} } };
  let at = 0;
  while (at < args.length) {
    const arg = args[at] ?? '';
    if (arg === '--') return { draft, rest: args.slice(at + 1) };
    if (!arg.startsWith('-') || arg === '-') break;
    at = arg.startsWith('--') ? long(args, at, draft, host) : short(args, at, draft, host);
  }
  return { draft, rest: args.slice(at) };
}

/** `--name value`, `--name=value`, `--switch`, `--switch=false`. Returns where the next argument is. */
function long(args: readonly string[], at: number, draft: RunDraft, host: RunHost): number {
  const arg = args[at] ?? '';
  const equals = arg.indexOf('=');
  const name = equals === -1 ? arg : arg.slice(0, equals);
  const flag = find(name.slice(2), name, at);
  if (equals !== -1) return apply(flag, name, arg.slice(equals + 1), at, at + 1, draft, host);
  if (flag.value === undefined) return apply(flag, name, 'true', at, at + 1, draft, host);
  return apply(flag, name, next(args, at, name), at, at + 2, draft, host);
}

/** `-p value`, `-pvalue`, `-p=value`, and switches together: `-it`, `-itp 80:80`. */
function short(args: readonly string[], at: number, draft: RunDraft, host: RunHost): number {
  const letters = (args[at] ?? '').slice(1);
  for (let index = 0; index < letters.length; index += 1) {
    const name = `-${letters[index] ?? ''}`;
    const flag = find(letters[index] ?? '', name, at);
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

function find(name: string, shown: string, at: number): RunFlag {
  const flag = byName.get(name);
  // `-name` is no long flag: one letter names go with one dash only.
  if (!flag || (shown.startsWith('--') && name.length === 1)) throw new RunArgError('unknown', at, shown, `${shown} is not a flag of docker run that Berth knows`);
  return flag;
}

function next(args: readonly string[], at: number, name: string): string {
  const value = args[at + 1];
  if (value === undefined) throw new RunArgError('invalid', at, name, `${name} needs a value`);
  return value;
}

function apply(flag: RunFlag, name: string, value: string, at: number, then: number, draft: RunDraft, host: RunHost): number {
  try {
    flag.apply(draft, value, host);
    return then;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof FlagUnsupported) throw new RunArgError('unsupported', at, name, `${name}: ${detail}`, { cause: error });
    // A value of its own argument is the wrong one, not the flag before it.
    throw new RunArgError('invalid', then === at + 2 ? at + 1 : at, name, `${name} ${value}: ${detail}`, { cause: error });
  }
}

/** The flags as lines of help: names and value, and what they do. */
export function runFlagHelp(): Array<readonly [string, string]> {
  return runFlags.map((flag) => {
    const names = [...flag.names].sort((a, b) => a.length - b.length).map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
    return [`${names.join(', ')}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag.help] as const;
  });
}
