import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import type { CliContext } from '../../context.ts';

interface Given {
  readonly secret?: readonly string[];
  readonly ssh?: readonly string[];
  readonly allow?: readonly string[];
}

/** What `--secret`, `--ssh` and `--allow` of `berth build` give to the build. Their contents appear in no error. */
export async function givenSecrets(context: CliContext, { secret, ssh, allow }: Given): Promise<Pick<BuildRequestBody, 'secrets' | 'sshAgents' | 'allowInsecure' | 'allowDevices'>> {
  for (const what of allow ?? []) if (what !== 'security.insecure' && what !== 'network.host' && what !== 'device') throw new Error(`--allow ${what}: expected security.insecure or device`);
  const secrets = await Promise.all((secret ?? []).map((text) => readSecret(context, text)));
  return {
    ...(secrets.length > 0 ? { secrets: Object.fromEntries(secrets) } : {}),
    ...(ssh && ssh.length > 0 ? { sshAgents: Object.fromEntries(ssh.map((text) => agentOf(context, text))) } : {}),
    ...(allow?.includes('security.insecure') ? { allowInsecure: true } : {}),
    ...(allow?.includes('device') ? { allowDevices: true } : {}),
  };
}

async function readSecret(context: CliContext, text: string): Promise<readonly [string, string]> {
  const fields = new Map(text.split(',').map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]));
  const id = fields.get('id') ?? '';
  if (id === '') throw new Error(`--secret: expected id=NAME, with src=FILE or env=NAME, not "${[...fields.keys()].join(',')}"`);
  const file = fields.get('src') ?? fields.get('source');
  const variable = fields.get('env') ?? (file === undefined && context.env[id] !== undefined ? id : undefined);
  if (variable !== undefined) {
    const value = context.env[variable];
    if (value === undefined) throw new Error(`--secret id=${id}: the environment has no ${variable}`);
    return [id, Buffer.from(value).toString('base64')];
  }
  const path = resolve(context.cwd, file ?? id);
  return [id, (await readFile(path)).toString('base64')];
}

function agentOf(context: CliContext, text: string): readonly [string, string] {
  const [id = '', socket = context.env['SSH_AUTH_SOCK'] ?? ''] = text.split('=');
  if (socket === '') throw new Error(`--ssh ${id}: there is no SSH agent (SSH_AUTH_SOCK is not set); name its socket with ${id}=PATH`);
  return [id, resolve(context.cwd, socket)];
}
