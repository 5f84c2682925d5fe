import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CleanupStack } from '../../base/cleanup.ts';
import { cancelled, systemCode } from '../../base/errors.ts';
import type { Ask, HostConnection } from '../connection.ts';
import { serveAskpass } from './askpass.ts';
import type { SshEnvironment } from './environment.ts';
import type { HostConfig } from './hostConfig.ts';
import { Patience } from './patience.ts';
import { sshTimedOut, systemSshMissing } from './sshErrors.ts';
import { SshMaster } from './sshMaster.ts';
import { SystemConnection } from './systemConnection.ts';
import { systemSshError } from './systemSshErrors.ts';
import type { SshTarget } from './target.ts';

export interface SystemOptions {
  readonly config: HostConfig;
  readonly environment: SshEnvironment;
  readonly ask: Ask;
  readonly signal: AbortSignal;
  readonly configFile: string | undefined;
  /** Why not ssh2. */
  readonly reason: string;
  /** Of the host, for people. */
  readonly host: string;
}

const CONNECT_SECONDS = 30;
/** A security key waits for a touch without telling us. */
const TOUCH_SECONDS = 120;
const LOOK_MS = 15;

/**
 * Connects by the system's ssh: one master process holds the connection, commands and streams go through its control socket. What ssh asks
 * reaches `ask` by SSH_ASKPASS. The master ends with this process, however that ends. Needs a client that can share connections: not on Windows.
 */
export async function connectBySystemSsh(target: SshTarget, options: SystemOptions): Promise<HostConnection> {
  const { environment, host, signal } = options;
  if (environment.platform === 'win32') throw systemSshMissing({ reason: `${options.reason}; OpenSSH for Windows cannot share a connection` });
  await using undo = new CleanupStack();
  const cleanup = new CleanupStack();
  undo.defer(() => cleanup.run());
  await removeStale();
  const folder = await mkdtemp(join(tmpdir(), `berth-ssh-${process.pid}-`));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  let timedOut = false;
  const patience = new Patience(TOUCH_SECONDS, 'ssh', () => (timedOut = true));
  cleanup.defer(() => patience.end());
  const questions = await serveAskpass(folder, (question, stop) => patience.whileAsking(options.ask(question, stop)), signal, options.config.user);
  cleanup.defer(() => questions.close());
  const control = join(folder, 'm');
  const master = new SshMaster(arguments_(target, options, control), { ...environment.env, ...questions.env, LC_ALL: 'C' });
  cleanup.defer(() => master.stop());
  while (!existsSync(control)) {
    if (signal.aborted) throw cancelled({ what: `Connecting to ${host}` });
    if (timedOut) throw sshTimedOut({ host, step: 'ssh', seconds: TOUCH_SECONDS });
    if (master.status !== undefined) throw systemSshError(host, master.said, master.status.code);
    await Promise.race([delay(LOOK_MS), master.ended]);
  }
  patience.end();
  questions.close();
  undo.keep();
  return new SystemConnection({ host, folder, control, master, env: environment.env, gone: () => cleanup.run() });
}

function arguments_(target: SshTarget, { config, configFile }: SystemOptions, control: string): string[] {
  const settings = ['ControlMaster=yes', 'ControlPersist=no', 'ForkAfterAuthentication=no', 'ClearAllForwardings=yes', 'PermitLocalCommand=no', 'RemoteCommand=none', 'SessionType=none', 'StreamLocalBindUnlink=yes', 'StreamLocalBindMask=0177', 'LogLevel=INFO'];
  if (config.serverAliveIntervalSeconds === 0) settings.push('ServerAliveInterval=15');
  if (config.connectTimeoutSeconds === undefined) settings.push(`ConnectTimeout=${CONNECT_SECONDS}`);
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...['-S', control, '-N', '-T', ...settings.flatMap((setting) => ['-o', setting])],
    ...(target.user === undefined ? [] : ['-l', target.user]),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    '--',
    target.host,
  ];
}

/** Folders of processes that were killed. Another user's cannot be removed, which is as it should be. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = /^berth-ssh-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}
