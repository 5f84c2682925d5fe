import { credentialKey, registryDomain, registryOf } from '../../api/docker/registryHost.ts';
import { CredentialHelper } from './credentialHelper.ts';
import { DockerConfig } from './dockerConfig.ts';
import type { AuthEntry } from './dockerConfig.ts';

/** The header by which an image's registry knows its user; none where nobody has logged in. */
export async function authHeaders(env: NodeJS.ProcessEnv, image: string): Promise<Record<string, string>> {
  return headersFor(env, registryOf(image));
}

export async function headersFor(env: NodeJS.ProcessEnv, domain: string): Promise<Record<string, string>> {
  const entry = await credentialsOf(env, domain);
  return entry ? { 'X-Registry-Auth': Buffer.from(JSON.stringify({ ...entry, serveraddress: credentialKey(domain) })).toString('base64url') } : {};
}

/** Docker's header of all logins, by registry: which ones a build or a dev container needs only its files say. */
export async function registryLogins(env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const { auths = {}, credHelpers = {} } = await new DockerConfig(env).read();
  const domains = [...new Set([...Object.keys(auths), ...Object.keys(credHelpers)].map(registryDomain))];
  const entries = await Promise.all(domains.map(async (domain) => [credentialKey(domain), await credentialsOf(env, domain)] as const));
  const known = Object.fromEntries(entries.filter(([, entry]) => entry !== undefined));
  return Object.keys(known).length === 0 ? {} : { 'X-Registry-Config': Buffer.from(JSON.stringify(known)).toString('base64url') };
}

async function credentialsOf(env: NodeJS.ProcessEnv, domain: string): Promise<AuthEntry | undefined> {
  const file = new DockerConfig(env);
  const config = await file.read();
  const helper = file.helperOf(config, domain);
  const kept = helper === undefined ? undefined : await new CredentialHelper(helper, env).get(domain);
  const entry = kept ?? file.entryOf(config, domain);
  return entry && Object.values(entry).some((value) => value !== '' && value !== undefined) ? entry : undefined;
}

/** Keeps what a login was made with, where the configuration says. Returns that place for people. */
export async function keepCredentials(env: NodeJS.ProcessEnv, domain: string, { username, password, identitytoken }: AuthEntry): Promise<string> {
  const file = new DockerConfig(env);
  const helper = file.helperOf(await file.read(), domain);
  if (helper !== undefined) {
    await new CredentialHelper(helper, env).store(domain, identitytoken ? { identitytoken } : { username, password });
    await file.store(domain, {});
    return `docker-credential-${helper}`;
  }
  const auth = Buffer.from(`${username ?? ''}:${identitytoken ? '' : (password ?? '')}`).toString('base64');
  await file.store(domain, identitytoken ? { auth, identitytoken } : { auth });
  return file.path;
}

/** Forgets them everywhere. False when there were none. */
export async function dropCredentials(env: NodeJS.ProcessEnv, domain: string): Promise<boolean> {
  const file = new DockerConfig(env);
  const helper = file.helperOf(await file.read(), domain);
  if (helper !== undefined) await new CredentialHelper(helper, env).erase(domain);
  return (await file.erase(domain)) || helper !== undefined;
}
