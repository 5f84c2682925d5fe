import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { credentialKey, registryDomain } from './registryHost.ts';

/*
 * Where Docker's tools keep credentials of registries: `~/.docker/config.json`, and the programs that it names. Read by our clients, each on the
 * machine where its user sits, and sent along with what may need them.
 */

const authEntrySchema = z.looseObject({ username: z.string().optional(), password: z.string().optional(), auth: z.string().optional(), identitytoken: z.string().optional(), registrytoken: z.string().optional() });
const dockerConfigSchema = z.looseObject({
  auths: z.record(z.string(), authEntrySchema).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});
const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() });

export type AuthEntry = z.infer<typeof authEntrySchema>;
export type DockerConfigFile = z.infer<typeof dockerConfigSchema>;

/** The user name by which these programs say that the secret is an identity token. */
export const tokenUser = '<token>';

/** Credentials that cannot be read: of which file or program, and why. Shows nothing of them. */
export class LoginsUnusable extends Error {
  override readonly name = 'LoginsUnusable';
  readonly what: string;
  readonly detail: string;

  constructor(what: string, detail: string, options?: ErrorOptions) {
    super(`${what}: ${detail}`, options);
    this.what = what;
    this.detail = detail;
  }
}

/** Runs a program with one argument to its end, whatever its status; `input` is what it reads. Throws when it cannot be started. */
export type RunHelper = (program: string, verb: string, input: string) => Promise<{ readonly status: number; readonly stdout: string }>;

export function dockerConfigPath(env: NodeJS.ProcessEnv): string {
  return join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? env['USERPROFILE'] ?? '/', '.docker'), 'config.json');
}

/** What is in the file; nothing where there is none. Throws LoginsUnusable. */
export async function readDockerConfig(path: string): Promise<DockerConfigFile> {
  try {
    const text = await readFile(path, 'utf8');
    return dockerConfigSchema.parse(text.trim() === '' ? {} : JSON.parse(text));
  } catch (error) {
    const code = error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    // What does not parse is not shown, and neither is a cause that quotes it.
    throw code === undefined ? new LoginsUnusable(path, 'it is no configuration of Docker. Correct it, or move it away') : new LoginsUnusable(path, `it cannot be read (${code})`, { cause: error });
  }
}

/** The program that keeps the credentials of this registry, if one does. Throws LoginsUnusable. */
export function helperOf({ credHelpers, credsStore }: DockerConfigFile, domain: string): string | undefined {
  const name = credHelpers?.[domain] ?? credHelpers?.[credentialKey(domain)] ?? credsStore;
  return name ? helperProgram(name) : undefined;
}

/** The entry that is kept in the file itself; keys may be addresses. */
export function entryOf({ auths = {} }: DockerConfigFile, domain: string): AuthEntry | undefined {
  return auths[credentialKey(domain)] ?? Object.entries(auths).find(([key]) => registryDomain(key) === domain)?.[1];
}

/** What is kept for one registry, by a program or in the file. Throws LoginsUnusable, and what starting the program throws. */
export async function loginOf(config: DockerConfigFile, domain: string, run: RunHelper): Promise<AuthEntry | undefined> {
  const program = helperOf(config, domain);
  const entry = (program === undefined ? undefined : await askHelper(program, domain, run)) ?? entryOf(config, domain);
  return entry && Object.values(entry).some((value) => value !== '' && value !== undefined) ? entry : undefined;
}

/**
 * The header with all logins there are, by registry: which ones a build or a dev container needs only its files say. Logins that cannot be
 * read are told to `onProblem`; what needs none of them goes on without.
 */
export async function loginsHeader(env: NodeJS.ProcessEnv, run: RunHelper, onProblem: (error: unknown) => void): Promise<Record<string, string>> {
  const said = new Set<string>();
  const told = <T>(work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      if (said.size !== said.add(String(error)).size) onProblem(error); // a program that is not there is missed for every registry
      return undefined;
    });
  const config = (await told(readDockerConfig(dockerConfigPath(env)))) ?? {};
  const { auths = {}, credHelpers = {} } = config;
  const domains = new Set([...Object.keys(auths), ...Object.keys(credHelpers), ...(await listed(config, run))].map(registryDomain));
  const entries = await Promise.all([...domains].map(async (domain) => [credentialKey(domain), await told(loginOf(config, domain, run))] as const));
  const known = Object.fromEntries(entries.filter(([, entry]) => entry !== undefined));
  return Object.keys(known).length === 0 ? {} : { 'X-Registry-Config': Buffer.from(JSON.stringify(known)).toString('base64url') };
}

/** What the program that keeps everything knows beside what the file names; one that cannot say is asked for the others only. */
async function listed({ credsStore }: DockerConfigFile, run: RunHelper): Promise<string[]> {
  if (!credsStore) return [];
  try {
    const { status, stdout } = await run(helperProgram(credsStore), 'list', '');
    return status === 0 ? Object.keys(z.record(z.string(), z.string()).parse(JSON.parse(stdout))) : [];
  } catch {
    return [];
  }
}

async function askHelper(program: string, domain: string, run: RunHelper): Promise<AuthEntry | undefined> {
  const { status, stdout } = await run(program, 'get', credentialKey(domain));
  if (status !== 0 && /not found/i.test(stdout)) return undefined;
  const answer = status === 0 ? answerSchema.safeParse(parsed(stdout)).data : undefined;
  if (!answer) throw helperFailed(program, 'get', status);
  return answer.Username === tokenUser ? { identitytoken: answer.Secret } : { username: answer.Username, password: answer.Secret };
}

/** What it printed may hold a secret; it is not shown. */
export function helperFailed(program: string, verb: string, status: number): LoginsUnusable {
  return new LoginsUnusable(`${program} ${verb}`, `it ended with status ${status} and no usable answer. Try it by hand, or take it out of Docker's config.json`);
}

function helperProgram(name: string): string {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw new LoginsUnusable('credential helper', `"${name}" is no name of one`);
  return `docker-credential-${name}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
