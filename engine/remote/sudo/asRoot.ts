import { defineError } from '../../base/errors.ts';
import type { Ask, HostConnection } from '../connection.ts';
import { quoteForShell } from '../connection.ts';
import { runRemote } from '../install/remoteCommand.ts';
import { shellCommand } from '../install/shellCommand.ts';
import { streamlocalRefused } from '../ssh/sshErrors.ts';
import { giveSudoPassword, PROMPT, ROOT } from './sudoPassword.ts';

export const sudoMissing = defineError<{ host: string }>('SUDO_MISSING', 422, (p) => `${p.host} has no sudo. Install it there, or log in as root, or add the host without --sudo: its containers run without root then.`);
export const sudoRefused = defineError<{ host: string; detail: string }>('SUDO_REFUSED', 403, (p) => `sudo on ${p.host} does not let this user be root: ${p.detail}. Check the password and what sudo -l says there, or add the host without --sudo.`);

const ATTEMPTS = 3;

/** Tells in one word how root is reached; what login scripts print stands before it. */
const LOOK = `
  if [ "$(id -u)" = 0 ]; then echo berth-is-root; exit 0; fi
  if command -v sudo >/dev/null 2>&1; then :; else echo berth-no-sudo; exit 0; fi
  sudo -n -H -- /bin/sh -c "echo berth-no-password" 2>/dev/null || { echo berth-password; id -un; }
`;

const BECOMING = 'becoming root by sudo';

/**
 * The same connection as root of the host, by sudo. Its password, where it wants one, is asked for once a connection and kept by this process
 * alone as long as the connection. A connection that cannot be root's is closed. Throws SUDO_MISSING, SUDO_REFUSED.
 */
export async function asRoot(connection: HostConnection, ask: Ask, signal: AbortSignal): Promise<HostConnection> {
  try {
    return await rootOf(connection, ask, signal);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function rootOf(connection: HostConnection, ask: Ask, signal: AbortSignal): Promise<HostConnection> {
  const { stdout, stderr } = await runRemote(connection, shellCommand(LOOK, []), signal, BECOMING);
  const [, found, user = ''] = /^berth-(is-root|no-sudo|no-password|password)(?:\n(\S+))?$/m.exec(stdout) ?? [];
  const host = connection.description;
  if (found === 'is-root') return connection;
  if (found === 'no-sudo') throw sudoMissing({ host });
  if (found === 'no-password') return byCommand(connection, (command) => connection.exec(sudoCommand(['-n'], command)));
  if (found === 'password') return withPassword(connection, user, ask, signal);
  throw sudoRefused({ host, detail: stderr.trim().slice(-300) || 'it did not answer' });
}

async function withPassword(connection: HostConnection, user: string, ask: Ask, signal: AbortSignal): Promise<HostConnection> {
  const host = connection.description;
  for (let left = ATTEMPTS; left > 0; left -= 1) {
    const [password] = (await ask({ kind: 'keyboard-interactive', name: '', instructions: '', prompts: [{ prompt: `Password of ${user} for sudo on ${host}: `, echo: false }] }, signal)) ?? [];
    if (password === undefined) throw sudoRefused({ host, detail: 'it asks for a password, and none was given' });
    const root = byCommand(connection, async (command) => {
      const process = await connection.exec(sudoCommand(['-k', '-S', '-p', PROMPT], command, ROOT));
      const refused = await giveSudoPassword(process, password);
      if (refused !== undefined) throw sudoRefused({ host, detail: refused });
      return process;
    });
    try {
      await runRemote(root, 'exec true', signal, BECOMING);
      return root;
    } catch (error) {
      if (!sudoRefused.is(error) || left === 1) throw error;
    }
  }
  throw sudoRefused({ host, detail: 'the password is wrong' });
}

/** Root's sockets are closed to the user whom sshd forwards for: streams to them go by a command. */
function byCommand(connection: HostConnection, exec: HostConnection['exec']): HostConnection {
  const { description, closed } = connection;
  return {
    description,
    closed,
    exec,
    openStreamLocal: (path) => Promise.reject(streamlocalRefused({ host: description, path })),
    openTcp: (host, port) => connection.openTcp(host, port),
    close: () => connection.close(),
  };
}

/** `exec` and plain words stay plain words for the login shell; anything else is one word for root's /bin/sh. */
export function sudoCommand(options: readonly string[], command: string, script?: string): string {
  const words = ['exec', 'sudo', ...options.map(quoteForShell), '-H', '--', ...(script === undefined ? [] : ['/bin/sh', '-c', quoteForShell(script), 'sh'])].join(' ');
  return `${words} ${/^exec [^;&|<>]*$/.test(command) || command.startsWith('exec /bin/sh -c ') ? command.slice(5) : `/bin/sh -c ${quoteForShell(command)}`}`;
}
