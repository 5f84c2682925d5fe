import type { Place } from '../errors.ts';

/** What is looked at, by the names that `docker build --check` has for them, and why it matters. */
const rules = {
  StageNameCasing: 'Names of stages are in lower case',
  FromAsCasing: 'FROM and AS are written in the same case',
  NoEmptyContinuation: 'Blank lines within an instruction will become an error',
  ConsistentInstructionCasing: 'Instructions are all in upper case, or all in lower case',
  DuplicateStageName: 'Each stage has a name of its own',
  ReservedStageName: 'scratch and context mean something else already',
  JSONArgsRecommended: 'Without JSON a shell stands between the program and the signals that are sent to it',
  MaintainerDeprecated: 'MAINTAINER is out of use; a LABEL says the same',
  UndefinedArgInFrom: 'FROM uses only ARGs that stand before the first FROM',
  WorkdirRelativePath: 'A relative WORKDIR depends on the base image',
  UndefinedVar: 'Variables are set before they are used',
  MultipleInstructionsDisallowed: 'Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage counts',
  LegacyKeyValueFormat: 'ENV and LABEL are written with =',
  RedundantTargetPlatform: 'The target platform is what FROM takes anyway',
  SecretsUsedInArgOrEnv: 'Secrets in ARG and ENV can be read by everybody who has the image',
  InvalidDefaultArgInFrom: 'The Dockerfile can be built without build arguments',
  FromPlatformFlagConstDisallowed: 'A fixed platform in FROM stands in the way of building for another',
  CopyIgnoredFile: 'What .dockerignore leaves out cannot be copied',
  InvalidDefinitionDescription: 'The comment above a stage or an ARG describes it and begins with its name',
  InvalidBaseImagePlatform: 'An image for another platform does not run here by itself',
  ExposeProtoCasing: 'Protocols are in lower case',
  ExposeInvalidFormat: 'EXPOSE names ports of the container, not addresses or ports of the host',
} as const;

export type Rule = keyof typeof rules;

/** Looked at only when asked for. */
export const experimental: ReadonlySet<Rule> = new Set<Rule>(['InvalidDefinitionDescription']);

export interface BuildWarning {
  readonly rule: Rule;
  readonly detail: string;
  readonly place: Place;
}

export function isRule(name: string): name is Rule {
  return Object.hasOwn(rules, name);
}

export function describeRule(rule: Rule): string {
  return rules[rule];
}

/** What is most like `name`, if anything is: for "did you mean". */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const other of new Set(known)) {
    const distance = edits(name.toLowerCase(), other.toLowerCase());
    if (distance <= Math.min(3, Math.floor(name.length / 2)) && (!best || distance < best.distance)) best = { name: other, distance };
  }
  return best?.name;
}

/** Characters to put in, take out or replace to make one of the other. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
