import { glob, open } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { defineError, systemCode } from '../../base/errors.ts';
import { start } from '../../host/process.ts';

export const sshConfigUnsafe = defineError<{ file: string }>('SSH_CONFIG_UNSAFE', 400, (p) => `${p.file} can be changed by other users of this machine, so it is not used: it may name programs to run. Take that permission away (chmod go-w) and try again`);

/** The user's machine as far as ssh_config asks about it: tests give one in memory. */
export interface SshEnvironment {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly localUser: string;
  readonly localHost: string;
  readonly uid: string;
  readonly env: NodeJS.ProcessEnv;
  /** A file's text; undefined when it is not there. `mine`: throws SSH_CONFIG_UNSAFE when others may write it. */
  readFile(path: string, mine?: boolean): Promise<string | undefined>;
  /** Paths that match a pattern, in order of name. */
  glob(pattern: string): Promise<readonly string[]>;
  /** Whether a command of the user's shell ends with status 0. */
  succeeds(command: string): Promise<boolean>;
}

/** This machine. `home` and `env` replace what the process has. */
export function thisMachine(options: { readonly home?: string | undefined; readonly env?: NodeJS.ProcessEnv | undefined } = {}): SshEnvironment {
  const env = options.env ?? process.env;
  const { platform } = process;
  return {
    platform,
    env,
    home: options.home ?? homedir(),
    localUser: localUser(env),
    localHost: hostname(),
    uid: String(process.getuid?.() ?? ''),
    readFile: (path, mine = false) => readText(path, mine && platform !== 'win32'),
    glob: async (pattern) => {
      const found: string[] = [];
      for await (const path of glob(pattern)) found.push(path);
      return found.sort();
    },
    succeeds: (command) =>
      new Promise((resolve) => {
        const { program, args, options } = shellFor(command, platform, env);
        const child = start(program, args, { env, ...options, stdio: 'ignore' });
        child.once('error', () => resolve(false));
        child.once('exit', (code) => resolve(code === 0));
      }),
  };
}

/** ssh_config's commands are shell text by definition: the user's shell on POSIX, cmd.exe (which takes its command line as it is) on Windows. */
export function shellFor(command: string, platform: NodeJS.Platform, env: NodeJS.ProcessEnv): { program: string; args: string[]; options: { windowsVerbatimArguments: boolean; windowsHide: boolean } } {
  const options = { windowsVerbatimArguments: platform === 'win32', windowsHide: true };
  if (platform === 'win32') return { program: env.ComSpec ?? 'cmd.exe', args: ['/d', '/s', '/c', `"${command}"`], options };
  return { program: env.SHELL ?? '/bin/sh', args: ['-c', command], options };
}

function localUser(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? env.USERNAME ?? ''; // a uid without an entry in the user database
  }
}

async function readText(path: string, mine: boolean): Promise<string | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { uid, mode } = await file.stat();
      if (mine && ((uid !== 0 && uid !== process.getuid?.()) || (mode & 0o022) !== 0)) throw sshConfigUnsafe({ file: path });
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}
