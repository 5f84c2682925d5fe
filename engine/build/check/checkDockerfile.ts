import type { TreeFilter } from '../context/tree.ts';
import type { Dockerfile } from '../dockerfile/ast.ts';
import type { MissingVariable, PlanOptions } from '../plan/graph.ts';
import { isRemote } from '../remote/remoteSource.ts';
import { readCheckDirective } from './checkDirective.ts';
import { checkInstructions } from './instructionRules.ts';
import { checkFromArguments, checkStageNames } from './stageRules.ts';
import { checkText } from './textRules.ts';
import { nearest } from './warning.ts';
import type { BuildWarning } from './warning.ts';

export interface CheckInput {
  readonly dockerfile: Dockerfile;
  readonly text: string;
  readonly options: PlanOptions;
  /** Variables that the plan did not find. */
  readonly missing: readonly MissingVariable[];
  /** What else was seen, of the images that it starts from. */
  readonly more?: readonly BuildWarning[];
  /** Of the context. */
  readonly ignore?: TreeFilter | undefined;
}

export interface CheckReport {
  /** In the order of the file. */
  readonly warnings: readonly BuildWarning[];
  /** `# check=error=true`: a warning is an error. */
  readonly error: boolean;
}

/** What in a Dockerfile works but hardly as it was meant. Pure. Throws DOCKERFILE_SYNTAX for a `check` directive that is none. */
export function checkDockerfile({ dockerfile, text, options, missing, ignore, more = [] }: CheckInput): CheckReport {
  const settings = readCheckDirective(options.buildArgs['BUILDKIT_DOCKERFILE_CHECK'] ?? dockerfile.directives.check, dockerfile.file);
  const found = [
    ...checkText(dockerfile, text.split(/\r?\n/)),
    ...checkStageNames(dockerfile.stages),
    ...checkFromArguments(dockerfile, options),
    ...dockerfile.stages.flatMap(checkInstructions),
    ...checkVariables(missing),
    ...more,
    ...(ignore ? checkCopies(dockerfile, ignore) : []),
  ];
  const warnings = found.filter(({ rule }) => settings.wants(rule)).sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return { warnings, error: settings.error };
}

function checkVariables(missing: readonly MissingVariable[]): BuildWarning[] {
  return missing.map(({ name, place, known }) => {
    const like = nearest(name, known);
    return { rule: 'UndefinedVar', place, detail: `Usage of undefined variable '$${name}'${like === undefined ? '' : ` (did you mean $${like}?)`}` };
  });
}

function checkCopies({ stages }: Dockerfile, ignore: TreeFilter): BuildWarning[] {
  const copies = stages.flatMap(({ body }) => body.flatMap((node) => ((node.kind === 'copy' && !node.from) || node.kind === 'add' ? [node] : [])));
  return copies.flatMap(({ at, sources }) =>
    sources
      .filter(({ text }) => !/[*?[$]/.test(text) && !isRemote(text) && ignore.ignores(text.replace(/^(\.?\/)+/, '').replace(/\/$/, '') || '.'))
      .map((source): BuildWarning => ({ rule: 'CopyIgnoredFile', place: at.place(source.start), detail: `Attempting to ${at.keyword === 'ADD' ? 'Add' : 'Copy'} file "${source.text}" that is excluded by .dockerignore` })),
  );
}
