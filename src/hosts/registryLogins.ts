import { loginsHeader } from '../../engine/api/docker/registryLogins.ts';
import { runProgram } from '../base/process.ts';

/** A program may ask its user to unlock what it keeps. */
const helperMs = 120_000;

/** The header with the user's logins at registries, as `berth up` sends it. Kept on this machine only; the engine forgets them. */
export function registryLogins(env: NodeJS.ProcessEnv, onProblem: (error: unknown) => void): Promise<Record<string, string>> {
  return loginsHeader(env, (program, verb, input) => runProgram(program, [verb], { env, input, timeoutMs: helperMs }), onProblem);
}
