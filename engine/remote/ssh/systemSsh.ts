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
import { SeparateConnection } from './separateConnection.ts';
import { sshTimedOut } from './sshErrors.ts';
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
 * reaches `ask` by SSH_ASKPASS. The master ends with this process, however that ends. A client that cannot share connections (that of Windows, any with
 * BERTH_SSH_SHARE=no) is started anew for each command.
 */
export async function connectBySystemSsh(target: SshTarget, options: SystemOptions): Promise<HostConnection> {
  const { environment, host, signal } = options;
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
  const env = { ...environment.env, ...questions.env, LC_ALL: 'C' };
  if (environment.platform === 'win32' || environment.env['BERTH_SSH_SHARE'] === 'no') {
    const connection = await SeparateConnection.open({ host, folder, args: separateArguments(target, options), env, signal, gone: () => cleanup.run() }, patience, () => timedOut);
    patience.end();
    undo.keep();
    return connection;
  }
  const control = join(folder, 'm');
  const master = new SshMaster(masterArguments(target, options, control), env);
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

function masterArguments(target: SshTarget, options: SystemOptions, control: string): string[] {
  return ['-S', control, '-N', ...commonArguments(target, options, ['ControlMaster=yes', 'ControlPersist=no', 'ForkAfterAuthentication=no', 'SessionType=none', 'StreamLocalBindUnlink=yes', 'StreamLocalBindMask=0177', 'LogLevel=INFO'])];
}

/** DEBUG1: says that it has logged in, and that a command has ended. */
function separateArguments(target: SshTarget, options: SystemOptions): string[] {
  return commonArguments(target, options, ['ControlMaster=no', 'ControlPath=none', 'LogLevel=DEBUG1']);
}

function commonArguments(target: SshTarget, { config, configFile }: SystemOptions, own: readonly string[]): string[] {
  const settings = [...own, 'ClearAllForwardings=yes', 'PermitLocalCommand=no', 'RemoteCommand=none'];
  if (config.serverAliveIntervalSeconds === 0) settings.push('ServerAliveInterval=15');
  if (config.connectTimeoutSeconds === undefined) settings.push(`ConnectTimeout=${CONNECT_SECONDS}`);
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...['-T', ...settings.flatMap((setting) => ['-o', setting])],
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
