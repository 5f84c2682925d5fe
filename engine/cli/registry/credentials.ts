import type { Writable } from 'node:stream';
import { credentialKey, registryOf } from '../../api/docker/registryHost.ts';
import { dockerConfigPath, helperOf, loginOf, loginsHeader, LoginsUnusable, readDockerConfig } from '../../api/docker/registryLogins.ts';
import type { AuthEntry } from '../../api/docker/registryLogins.ts';
import { badRequest } from '../../base/errors.ts';
import { eraseByHelper, helperRunner, storeByHelper } from './credentialHelper.ts';
import { eraseEntry, storeEntry } from './dockerConfig.ts';

/** The header by which an image's registry knows its user; none where nobody has logged in. Throws BAD_REQUEST, which shows nothing of what is kept. */
export async function authHeaders(env: NodeJS.ProcessEnv, image: string): Promise<Record<string, string>> {
  return headersFor(env, registryOf(image));
}

export async function headersFor(env: NodeJS.ProcessEnv, domain: string): Promise<Record<string, string>> {
  const entry = await coded(readDockerConfig(dockerConfigPath(env)).then((config) => loginOf(config, domain, helperRunner(env))));
  return entry ? { 'X-Registry-Auth': Buffer.from(JSON.stringify({ ...entry, serveraddress: credentialKey(domain) })).toString('base64url') } : {};
}

/** Docker's header of all logins. Those that cannot be read are told as warnings: what needs none of them is made all the same. */
export function registryLogins({ env, stderr }: { readonly env: NodeJS.ProcessEnv; readonly stderr: Writable }): Promise<Record<string, string>> {
  return loginsHeader(env, helperRunner(env), (error) => stderr.write(`berth: logins of registries: ${error instanceof Error ? error.message : String(error)}\n`));
}

/** Keeps what a login was made with, where the configuration says. Returns that place for people. */
export function keepCredentials(env: NodeJS.ProcessEnv, domain: string, { username, password, identitytoken }: AuthEntry): Promise<string> {
  return coded(withPlace(env, domain, async (path, program) => {
    if (program !== undefined) {
      await storeByHelper(program, domain, identitytoken ? { identitytoken } : { username, password }, helperRunner(env));
      await storeEntry(path, domain, {});
      return program;
    }
    const auth = Buffer.from(`${username ?? ''}:${identitytoken ? '' : (password ?? '')}`).toString('base64');
    await storeEntry(path, domain, identitytoken ? { auth, identitytoken } : { auth });
    return path;
  }));
}

/** Forgets them everywhere. False when there were none. */
export function dropCredentials(env: NodeJS.ProcessEnv, domain: string): Promise<boolean> {
  return coded(withPlace(env, domain, async (path, program) => {
    if (program !== undefined) await eraseByHelper(program, domain, helperRunner(env));
    return (await eraseEntry(path, domain)) || program !== undefined;
  }));
}

/** The file, and the program that keeps the credentials of this registry in its place. */
async function withPlace<T>(env: NodeJS.ProcessEnv, domain: string, work: (path: string, program: string | undefined) => Promise<T>): Promise<T> {
  const path = dockerConfigPath(env);
  return work(path, helperOf(await readDockerConfig(path), domain));
}

async function coded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof LoginsUnusable ? badRequest({ what: error.what, detail: error.detail }, { cause: error }) : error;
  }
}
