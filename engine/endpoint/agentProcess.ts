import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAlive } from '../host/processIdentity.ts';
import { start } from '../host/process.ts';
import type { AgentOptions } from './agent/messages.ts';
import { agentFailed } from './errors.ts';
import type { Account, RunningContainer } from './ports.ts';

/** How to run the agent: a program and its first arguments, for instance `node dist/endpoint-agent.cjs`. */
export interface AgentLauncher {
  readonly program: string;
  readonly args: readonly string[];
}

/** Of what a process in a container may have, what file operations and sockets need; the first two it lays down when it becomes the user. */
const USEFUL = ['SETUID', 'SETGID', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'NET_BIND_SERVICE'].map((name) => `CAP_${name}`);
const NEEDED = USEFUL.slice(0, 2);

/**
 * Starts an agent for a container: in its network namespace, with its root folder open, and never with more capabilities than a process of the
 * container has; where its users have ids of their own, in its user namespace too. `stdio`: exactly the first four, for the folder comes fifth; the caller owns the process.
 */
export async function startAgent(launcher: AgentLauncher, container: RunningContainer, account: Account, options: Pick<AgentOptions, 'mode' | 'cwd' | 'args'>, stdio: ReadonlyArray<'ignore' | 'pipe' | 'ipc'>): Promise<ChildProcess> {
  const { pid } = container.process;
  const root = await open(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
    throw agentFailed({ detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  });
  try {
    // Another process may have got the number before the folder was opened.
    if (!isAlive(container.process)) throw agentFailed({ detail: 'the container has ended' });
    const capabilities = USEFUL.filter((name) => NEEDED.includes(name) || container.capabilities.includes(name));
    const bounding = ['-all', ...capabilities.map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(',');
    const own: AgentOptions = { ...options, uid: account.uid, gid: account.gid, groups: [...account.groups], home: account.home };
    const privileges = ['setpriv', '--no-new-privs', '--inh-caps=-all', `--bounding-set=${bounding}`];
    const ids = container.ownIds ? [`--user=/proc/${pid}/ns/user`, '--setuid=0', '--setgid=0'] : [];
    const args = [...ids, `--net=/proc/${pid}/ns/net`, '--', ...privileges, launcher.program, ...launcher.args, JSON.stringify(own)];
    return start('nsenter', args, { cwd: '/', env: { PATH: process.env['PATH'] }, stdio: [...stdio, root.fd] });
  } finally {
    await root.close();
  }
}
