import type { BerthError } from '../base/errors.ts';
import { commandNotExecutable, commandNotFound, execFailed } from './errors.ts';

/**
 * What an OCI runtime says when the command itself is at fault, as Docker's error and exit status: 127 not found, 126 not
 * executable. `undefined` when something else went wrong.
 */
export function commandFailure(detail: string, command: string, stage: string): { readonly error: BerthError; readonly exitCode: number } | undefined {
  if (!isAboutCommand(detail) || /\bchdir\b/.test(detail)) return undefined;
  if (/permission denied|operation not permitted|is a directory|exec format error/i.test(detail)) return { error: commandNotExecutable({ command, stage }), exitCode: 126 };
  if (/not found|no such file/i.test(detail)) return { error: commandNotFound({ command, stage }), exitCode: 127 };
  return undefined;
}

const EXEC_STAGE = 'OCI runtime exec failed: exec failed';

/** As `commandFailure` for an exec; what else went wrong counts as 127 when something was not there, 126 otherwise, as with Docker. */
export function execFailure(detail: string, command: string): { readonly error: BerthError; readonly exitCode: number } {
  const exitCode = /no such file/i.test(detail) ? 127 : 126;
  return commandFailure(detail, command, EXEC_STAGE) ?? { error: execFailed({ detail: `${EXEC_STAGE}: unable to start container process: ${detail}` }), exitCode };
}

/** Whether words of an OCI runtime are about the command that it should run, or where. */
export function isAboutCommand(detail: string): boolean {
  return /executable file|open executable|exec(utable)? |exec: |^chdir `/i.test(detail);
}
