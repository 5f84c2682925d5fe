import type { BuildEvent } from '../../api/berth/build.ts';
import { plainText } from './displayWidth.ts';
import { formatExcerpt } from './buildWarnings.ts';

export type BuildFailureEvent = Extract<BuildEvent, { type: 'failure' }>;

/** What is said at the end of a build that failed: the last words of its step, and the lines of the Dockerfile. */
export function formatFailure(failure: BuildFailureEvent, step: string | undefined): string {
  const ruler = '------\n';
  const lines = (failure.output ?? '').split('\n').filter((line) => line !== '').map((line) => `${plainText(line)}\n`);
  const words = lines.length === 0 ? '' : `${ruler} > ${step ?? `${failure.file}:${failure.line}`}:\n${lines.join('')}${ruler}`;
  return `${words}${failure.file}:${failure.line}\n${formatExcerpt(failure)}`;
}
