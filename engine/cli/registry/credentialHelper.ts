import { z } from 'zod';
import { credentialKey } from '../../api/docker/registryHost.ts';
import { badRequest } from '../../base/errors.ts';
import { run } from '../../host/process.ts';
import type { AuthEntry } from './dockerConfig.ts';

const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() });
/** The user name that says that the secret is an identity token. */
const TOKEN_USER = '<token>';

/** A `docker-credential-<name>` program: started by name and arguments, told and asked by its pipes. */
export class CredentialHelper {
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, env: NodeJS.ProcessEnv) {
    if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw badRequest({ what: 'credential helper', detail: `"${name}" is no name of one` });
    this.#program = `docker-credential-${name}`;
    this.#env = env;
  }

  /** What it keeps for the registry, if anything. */
  async get(domain: string): Promise<AuthEntry | undefined> {
    const { status, stdout } = await run(this.#program, ['get'], { env: this.#env, input: credentialKey(domain), okStatus: 'any' });
    if (status !== 0 && /not found/i.test(stdout)) return undefined;
    const answer = status === 0 ? answerSchema.safeParse(parseJson(stdout)) : undefined;
    if (!answer?.success) throw this.#failed('get', status);
    const { Username, Secret } = answer.data;
    return Username === TOKEN_USER ? { identitytoken: Secret } : { username: Username, password: Secret };
  }

  async store(domain: string, { username, password, identitytoken }: AuthEntry): Promise<void> {
    const entry = { ServerURL: credentialKey(domain), Username: identitytoken ? TOKEN_USER : (username ?? ''), Secret: identitytoken ?? password ?? '' };
    const { status } = await run(this.#program, ['store'], { env: this.#env, input: JSON.stringify(entry), okStatus: 'any' });
    if (status !== 0) throw this.#failed('store', status);
  }

  async erase(domain: string): Promise<void> {
    const { status, stdout } = await run(this.#program, ['erase'], { env: this.#env, input: credentialKey(domain), okStatus: 'any' });
    if (status !== 0 && !/not found/i.test(stdout)) throw this.#failed('erase', status);
  }

  /** What it printed may hold a secret; it is not shown. */
  #failed(verb: string, status: number): Error {
    return badRequest({ what: `${this.#program} ${verb}`, detail: `it ended with status ${status} and no usable answer. Try it by hand, or take it out of Docker's config.json` });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
