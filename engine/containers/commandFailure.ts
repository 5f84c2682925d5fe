import type { BerthError } from '../base/errors.ts';
import { commandNotExecutable, commandNotFound } from './errors.ts';

/**
 * What an OCI runtime says when the command itself is at fault, as Docker's error and exit status: 127 not found, 126 not
 * executable. `undefined` when something else went wrong.
 */
export function commandFailure(detail: string, command: string, stage: string): { readonly error: BerthError; readonly exitCode: number } | undefined {
  const aboutCommand = /executable file|open executable|exec(utable)? |exec: /i.test(detail);
  if (!aboutCommand) return undefined;
  if (/permission denied|is a directory|exec format error/i.test(detail)) return { error: commandNotExecutable({ command, stage }), exitCode: 126 };
  if (/not found|no such file/i.test(detail)) return { error: commandNotFound({ command, stage }), exitCode: 127 };
  return undefined;
}
