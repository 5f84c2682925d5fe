import type { RunDraft, RunFlag, RunHost } from './flags.ts';
import { healthFlags } from './healthFlags.ts';
import { clientFlags, hostFlags } from './hostFlags.ts';
import { networkFlags } from './networkFlags.ts';
import { FlagTable, parseFlags } from './parseFlags.ts';
import { settingsFlags } from './settingsFlags.ts';

export const runFlags: readonly RunFlag[] = [...settingsFlags, ...networkFlags, ...healthFlags, ...hostFlags, ...clientFlags];
const table = new FlagTable('docker run', runFlags);

export interface ParsedRunArgs {
  readonly draft: RunDraft;
  /** What follows the flags: for `docker run`, the image and the command. */
  readonly rest: readonly string[];
}

/** Parses the flags of `docker run` up to the first argument that is none. Pure but for what `host` reads. Throws FlagArgError. */
export function parseRunArgs(args: readonly string[], host: RunHost): ParsedRunArgs {
  const draft: RunDraft = { body: { HostConfig: {} } };
  return { draft, rest: parseFlags(table, args, draft, host) };
}

/** The flags as lines of help: names and value, and what they do. */
export function runFlagHelp(): Array<readonly [string, string]> {
  return runFlags.map((flag) => {
    const names = [...flag.names].sort((a, b) => a.length - b.length).map((name) => (name.length === 1 ? `-${name}` : `--${name}`));
    return [`${names.join(', ')}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag.help] as const;
  });
}
