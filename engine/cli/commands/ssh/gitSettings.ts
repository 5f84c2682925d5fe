import { existsSync } from 'node:fs';
import type { SshConnect } from '../../../api/berth/ssh.ts';
import { run } from '../../../host/process.ts';

const passedOn = ['user.name', 'user.email'];

/** What git in the container shall have of this user's, as git here has it for the folder; `undefined` without git. */
export async function gitSettings(folder: string): Promise<SshConnect['git']> {
  const cwd = folder !== '' && existsSync(folder) ? folder : undefined;
  try {
    const values = await Promise.all(passedOn.map((key) => run('git', ['config', '--get', key], { ...(cwd === undefined ? {} : { cwd }), okStatus: 'any' })));
    const entries = passedOn.flatMap((key, index) => {
      const value = values[index]?.status === 0 ? values[index].stdout.trim() : '';
      return value === '' ? [] : [[key, value] as const];
    });
    return { config: Object.fromEntries(entries), credentials: true };
  } catch {
    return undefined;
  }
}
