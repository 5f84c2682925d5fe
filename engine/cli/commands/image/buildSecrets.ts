import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import { parseAgent, parseAllowed, parseSecret } from '../../../api/docker/build/secretFlags.ts';
import type { CliContext } from '../../context.ts';

interface Given {
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
  readonly allow?: readonly string[];
}

/** What `--secret`, `--ssh` and `--allow` of `berth build` give to the build. Their contents appear in no error. */
export async function givenSecrets(context: CliContext, { secret = [], ssh = [], allow = [] }: Given): Promise<Pick<BuildRequestBody, 'secrets' | 'sshAgents' | 'allowInsecure' | 'allowDevices'>> {
  const allowed = parseAllowed(allow);
  const secrets = await Promise.all(secret.map((text) => readSecret(context, text)));
  const agents = ssh.map((text) => parseAgent(text, context.env['SSH_AUTH_SOCK'])).map(([id, socket]) => [id, resolve(context.cwd, socket)] as const);
  return { ...(secrets.length > 0 ? { secrets: Object.fromEntries(secrets) } : {}), ...(agents.length > 0 ? { sshAgents: Object.fromEntries(agents) } : {}), ...allowed };
}

async function readSecret({ cwd, env }: CliContext, text: string): Promise<readonly [string, string]> {
  const source = parseSecret(text, (name) => env[name] !== undefined);
  if ('file' in source) return [source.id, (await readFile(resolve(cwd, source.file))).toString('base64')];
  const value = env[source.variable];
  if (value === undefined) throw new Error(`--secret id=${source.id}: the environment has no ${source.variable}`);
  return [source.id, Buffer.from(value).toString('base64')];
}
