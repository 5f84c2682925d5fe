import type { CreateBody } from './createBody.ts';

/** What `docker run`'s flags set, beside the request itself. */
export interface RunDraft {
  readonly body: CreateBody;
  name?: string;
  pull?: 'always' | 'missing' | 'never';
  detach?: boolean;
  detachKeys?: string;
  platform?: string;
  /** File to write the id to. */
  cidfile?: string;
  sigProxy?: boolean;
  attach?: string[];
  help?: boolean;
  quiet?: boolean;
}

/** What flags may ask of the host that parses them. */
export interface RunHost {
  /** Relative paths are resolved against it. */
  readonly folder: string;
  /** The value of `-e NAME` without a value; undefined leaves it unset. */
  env(name: string): string | undefined;
  /** The text of `--env-file` and `--label-file`. Throws what tells people why not. */
  readFile(path: string): string;
}

/** One flag of a table, which fills a draft. Without `value` it is a switch, which takes `=true` and `=false` too. */
export interface Flag<Draft, Host> {
  /** Long first, without dashes: `publish`, `p`. */
  readonly names: readonly string[];
  /** What its value is called in the help. */
  readonly value?: string;
  readonly help: string;
  /** Throws FlagValueError, or any error with words for people. */
  apply(draft: Draft, value: string, host: Host): void;
}

export type RunFlag = Flag<RunDraft, RunHost>;

/** A flag's value is not what it should be. `expected`: for people. */
export class FlagValueError extends Error {
  override readonly name = 'FlagValueError';
}

/** The flag is Docker's, but this version cannot do what it asks. */
export class FlagUnsupported extends Error {
  override readonly name = 'FlagUnsupported';
}

/** A flag with a value. */
export function valued<Draft = RunDraft, Host = RunHost>(names: string, value: string, help: string, apply: (draft: Draft, value: string, host: Host) => void): Flag<Draft, Host> {
  return { names: names.split(' '), value, help, apply };
}

/** A switch. */
export function switched<Draft = RunDraft>(names: string, help: string, apply: (draft: Draft, on: boolean) => void): Flag<Draft, unknown> {
  return {
    names: names.split(' '),
    help,
    apply: (draft, value) => {
      if (value !== 'true' && value !== 'false' && value !== '1' && value !== '0') throw new FlagValueError('expected true or false');
      apply(draft, value === 'true' || value === '1');
    },
  };
}

/** Parses or says what was expected. */
export function must<T>(parsed: T | undefined, expected: string): T {
  if (parsed === undefined) throw new FlagValueError(`expected ${expected}`);
  return parsed;
}

export function integer(text: string): number {
  return must(/^-?\d+$/.test(text) ? Number(text) : undefined, 'a whole number');
}
