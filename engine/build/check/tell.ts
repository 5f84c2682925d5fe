import type { BuildEvent } from '../../api/berth/build.ts';
import { cancelled } from '../../base/errors.ts';
import type { BerthError } from '../../base/errors.ts';
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
  return { type: 'warning', message: detail, rule, why: describeRule(rule), file: place.file, line: place.line, column: place.column, excerpt: excerptOf(text, place.line) };
}

/** Where in the Dockerfile a build failed, as clients hear of it before they hear why; undefined: not in the Dockerfile. */
export function failureEvent({ params, code }: BerthError, text: string): BuildEvent | undefined {
  const { file, line, column, output } = params;
  if (typeof file !== 'string' || typeof line !== 'number' || cancelled.code === code) return undefined;
  return { type: 'failure', file, line, column: typeof column === 'number' ? column : 1, excerpt: excerptOf(text, line), ...(typeof output === 'string' ? { output } : {}) };
}

function excerptOf(text: string, line: number): Array<{ line: number; text: string }> {
  const from = Math.max(0, line - 1 - AROUND);
  return text.split(/\r?\n/).slice(from, line + AROUND).map((row, index) => ({ line: from + 1 + index, text: row }));
}
