import { createHash } from 'node:crypto';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** The platform, as far as these files care; given so that the others can be tested. */
export interface ClientPlatform {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly uid: number;
}

export function thisPlatform(env: NodeJS.ProcessEnv): ClientPlatform {
  return { platform: process.platform, env, home: env['HOME'] ?? homedir(), uid: userInfo().uid };
}

/** Where the link to one host has its things on the user's machine. */
export interface LinkPaths {
  /** 0700. */
  readonly folder: string;
  /** A unix socket, on Windows a named pipe. */
  readonly socket: string;
  readonly control: string;
  readonly lock: string;
  readonly log: string;
}

export function linkPaths(host: string, platform: ClientPlatform): LinkPaths {
  const folder = join(runtimeFolder(platform), 'hosts');
  const pipe = (name: string): string => String.raw`\\.\pipe\berth-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}-${name}`;
  const at = (name: string): string => (platform.platform === 'win32' ? pipe(name) : join(folder, `${name}.sock`));
  return { folder, socket: at(host), control: at(`${host}.ctl`), lock: join(folder, `${host}.lock`), log: join(folder, `${host}.log`) };
}

/** The user's list of hosts. */
export function hostsFile(platform: ClientPlatform): string {
  return join(configFolder(platform), 'hosts.json');
}

/** What was learnt about a host and saves round trips: nothing that is missed when it is gone. */
export function rememberedFile(host: string, platform: ClientPlatform): string {
  const { env, home } = platform;
  const base = platform.platform === 'win32' ? join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'berth') : join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'berth');
  return join(base, 'hosts', `${host}.json`);
}

function configFolder({ platform, env, home }: ClientPlatform): string {
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'berth');
  return join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'berth');
}

function runtimeFolder({ platform, env, home, uid }: ClientPlatform): string {
  const chosen = env['BERTH_RUN_ROOT'];
  if (chosen !== undefined) return chosen;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'berth', 'run');
  if (uid === 0) return '/run/berth';
  return env['XDG_RUNTIME_DIR'] === undefined ? join(tmpdir(), `berth-${uid}`) : join(env['XDG_RUNTIME_DIR'], 'berth');
}
