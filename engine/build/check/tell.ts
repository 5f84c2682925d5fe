import type { BuildEvent } from '../../api/berth/build.ts';
import { checkFailed } from '../errors.ts';
import type { CheckReport } from './checkDockerfile.ts';
import { describeRule } from './warning.ts';
import type { BuildWarning } from './warning.ts';

/** Lines shown before and after the one that a warning is about. */
const AROUND = 2;

/** Throws DOCKERFILE_CHECK_FAILED when the Dockerfile itself says that a warning is an error. */
export function refuseErrors({ warnings, error }: CheckReport): void {
  const [first] = warnings;
  if (error && first) throw checkFailed({ ...first.place, rule: first.rule, detail: first.detail, count: warnings.length });
}

/** A warning as clients hear of it; `text` is the Dockerfile's. */
export function warningEvent({ rule, detail, place }: BuildWarning, text: string): BuildEvent {
  const from = Math.max(0, place.line - 1 - AROUND);
  const excerpt = text.split(/\r?\n/).slice(from, place.line + AROUND).map((line, index) => ({ line: from + 1 + index, text: line }));
  return { type: 'warning', message: detail, rule, why: describeRule(rule), file: place.file, line: place.line, column: place.column, excerpt };
}
