import type { Command } from 'commander';
import { loginAnswerSchema } from '../../../api/docker/registry.ts';
import { registryDomain } from '../../../api/docker/registryHost.ts';
import { badRequest } from '../../../base/errors.ts';
import type { CliContext } from '../../context.ts';
import { dropCredentials, keepCredentials } from '../../registry/credentials.ts';
import { askOnTerminal } from '../../terminal/askOnTerminal.ts';

interface LoginOptions {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

/** `berth login` and `berth logout`. */
export function registerLogin(parent: Command, context: CliContext): void {
  parent
    .command('login [registry]')
    .description('log in to a registry (default: Docker Hub); kept where Docker keeps it')
    .option('-u, --username <name>', 'user name')
    .option('-p, --password <password>', 'password or token; others on this machine can see it while the command runs')
    .option('--password-stdin', 'read the password from standard input')
    .action((registry: string | undefined, options: LoginOptions) => login(context, registryDomain(registry ?? ''), options));
  parent
    .command('logout [registry]')
    .description('forget the login to a registry (default: Docker Hub)')
    .action(async (registry: string | undefined) => {
      const domain = registryDomain(registry ?? '');
      const known = await dropCredentials(context.env, domain);
      context.stdout.write(known ? `Removed the login to ${domain}\n` : `Not logged in to ${domain}\n`);
    });
}

async function login(context: CliContext, domain: string, options: LoginOptions): Promise<void> {
  const { username, password } = await given(context, domain, options);
  const client = await context.engine();
  const { IdentityToken: identitytoken } = await client.json('POST', '/auth', loginAnswerSchema, { json: { username, password, serveraddress: domain }, signal: context.signal });
  const place = await keepCredentials(context.env, domain, { username, password, ...(identitytoken ? { identitytoken } : {}) });
  if (place.endsWith('.json')) context.stderr.write(`The password is kept unencrypted in ${place}. A credential helper (credsStore) would encrypt it.\n`);
  context.stdout.write('Login Succeeded\n');
}

async function given(context: CliContext, domain: string, { username, password, passwordStdin }: LoginOptions): Promise<{ username: string; password: string }> {
  if (passwordStdin === true) {
    if (username === undefined) throw badRequest({ what: 'berth login', detail: 'give --username with --password-stdin' });
    return { username, password: (await wholeOf(context.stdin)).replace(/\r?\n$/, '') };
  }
  if (username !== undefined && password !== undefined) return { username, password };
  const prompts = [...(username === undefined ? [{ prompt: 'Username: ', echo: true }] : []), ...(password === undefined ? [{ prompt: 'Password: ', echo: false }] : [])];
  const answers = await askOnTerminal(context)({ kind: 'keyboard-interactive', name: `Login to ${domain}`, instructions: '', prompts }, context.signal);
  if (!answers) throw badRequest({ what: 'berth login', detail: 'there is no terminal to ask on: give --username and --password-stdin' });
  const [first = '', second = ''] = answers;
  return { username: username ?? first, password: password ?? (username === undefined ? second : first) };
}

async function wholeOf(input: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}
