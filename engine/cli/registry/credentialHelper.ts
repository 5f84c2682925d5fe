import { credentialKey } from '../../api/docker/registryHost.ts';
import { helperFailed, tokenUser } from '../../api/docker/registryLogins.ts';
import type { AuthEntry, RunHelper } from '../../api/docker/registryLogins.ts';
import { run } from '../../host/process.ts';

/** Starts `docker-credential-…` programs: by name and arguments, told and asked by their pipes. */
export function helperRunner(env: NodeJS.ProcessEnv): RunHelper {
  return (program, verb, input) => run(program, [verb], { env, input, okStatus: 'any' });
}

/** Throws LoginsUnusable. */
export async function storeByHelper(program: string, domain: string, { username, password, identitytoken }: AuthEntry, runHelper: RunHelper): Promise<void> {
  const entry = { ServerURL: credentialKey(domain), Username: identitytoken ? tokenUser : (username ?? ''), Secret: identitytoken ?? password ?? '' };
  const { status } = await runHelper(program, 'store', JSON.stringify(entry));
  if (status !== 0) throw helperFailed(program, 'store', status);
}

/** Throws LoginsUnusable. */
export async function eraseByHelper(program: string, domain: string, runHelper: RunHelper): Promise<void> {
  const { status, stdout } = await runHelper(program, 'erase', credentialKey(domain));
  if (status !== 0 && !/not found/i.test(stdout)) throw helperFailed(program, 'erase', status);
}
