import type { UpResult } from '../../../api/berth/devcontainer.ts';
import { asBerthError } from '../../../base/errors.ts';

/** How a stream of news about a dev container ends when the work failed. */
export function failedResult(error: unknown, description: string): Extract<UpResult, { outcome: 'error' }> {
  const { message, code, params } = asBerthError(error);
  const known = Object.fromEntries(Object.entries(params).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined));
  return { type: 'result', outcome: 'error', message, description, code, params: known };
}
