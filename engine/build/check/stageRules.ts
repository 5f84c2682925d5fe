import type { Dockerfile, StageNode } from '../dockerfile/ast.ts';
import type { Lookup } from '../dockerfile/expand.ts';
import { GlobalArguments } from '../plan/globals.ts';
import type { PlanOptions } from '../plan/graph.ts';
import { nearest } from './warning.ts';
import type { BuildWarning } from './warning.ts';

const reserved = new Set(['scratch', 'context']);
const targetPlatform = /^\$(\{TARGETPLATFORM\}|TARGETPLATFORM)$/;

/** What is odd about FROM lines: names, case, platforms. */
export function checkStageNames(stages: readonly StageNode[]): BuildWarning[] {
  const found: BuildWarning[] = [];
  const names = new Set<string>();
  for (const { from } of stages) {
    const { at, as, platform, name } = from;
    if (as && name !== undefined) {
      const place = at.place(as.name.start);
      if (as.name.text !== name) found.push({ rule: 'StageNameCasing', place, detail: `Stage name '${as.name.text}' should be lowercase` });
      if (reserved.has(name)) found.push({ rule: 'ReservedStageName', place, detail: `Stage name '${name}' is reserved` });
      if (names.has(name)) found.push({ rule: 'DuplicateStageName', place, detail: `Stage name '${name}' is used twice` });
      names.add(name);
      const keyword = at.source.text.slice(0, 'FROM'.length);
      if (caseOf(keyword) !== caseOf(as.keyword.text)) found.push({ rule: 'FromAsCasing', place: at.place(as.keyword.start), detail: `'${as.keyword.text}' and '${keyword}' keywords' casing do not match` });
    }
    if (platform && targetPlatform.test(platform.text)) found.push({ rule: 'RedundantTargetPlatform', place: at.place(platform.start), detail: `Setting platform to predefined ${platform.text} in FROM is redundant, as it is the default` });
    if (platform && !platform.text.includes('$')) found.push({ rule: 'FromPlatformFlagConstDisallowed', place: at.place(platform.start), detail: `FROM --platform flag should not use constant value "${platform.text}"` });
  }
  return found;
}

/** Variables of FROM lines: those that nothing declares, and those without a usable default. */
export function checkFromArguments(dockerfile: Dockerfile, options: PlanOptions): BuildWarning[] {
  const found: BuildWarning[] = [];
  const given = new GlobalArguments(dockerfile.globals, options);
  const defaults = new GlobalArguments(dockerfile.globals, { ...options, buildArgs: {} });
  for (const { from } of dockerfile.stages) {
    const lookup: Lookup = Object.assign((name: string) => given.lookup(name), {
      onMissing: (name: string, place: BuildWarning['place']) => {
        if (given.declares(name)) return;
        const like = nearest(name, given.names());
        found.push({ rule: 'UndefinedArgInFrom', place, detail: `FROM argument '${name}' is not declared${like === undefined ? '' : ` (did you mean ${like}?)`}` });
      },
    });
    from.at.expand(from.image, lookup);
    if (from.platform) from.at.expand(from.platform, lookup);
    if (from.image.text.includes('$') && !isUsable(from.at.expand(from.image, defaults.lookup))) found.push({ rule: 'InvalidDefaultArgInFrom', place: from.at.place(from.image.start), detail: `Default value for ARG ${from.image.text} results in an empty or invalid base image name` });
  }
  return found;
}

function isUsable(ref: string): boolean {
  return /^[a-z0-9]([\w.:@/-]*[\w])?$/i.test(ref);
}

function caseOf(word: string): 'upper' | 'lower' | 'mixed' {
  if (word === word.toUpperCase()) return 'upper';
  return word === word.toLowerCase() ? 'lower' : 'mixed';
}

export { caseOf };
