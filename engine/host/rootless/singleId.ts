import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { countSubIds } from '../probeParsers.ts';
import { run } from '../process.ts';

/**
 * Without ranges of further ids (/etc/subuid, /etc/subgid) or the set-user-ID programs that map them there is still one id that a user may map:
 * their own. rootlesskit knows ranges only, and asks these three programs for them; stand-ins of ours, in a folder that comes first on
 * its PATH, map the one id. `getsubids` names a range because rootlesskit wants to hear of one; nobody maps it.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  getsubids: '#!/bin/sh\necho "0: user 1 1"\n',
  newuidmap: '#!/bin/sh\necho "0 $(id -u) 1" > "/proc/$1/uid_map"\n',
  newgidmap: '#!/bin/sh\necho deny > "/proc/$1/setgroups" && echo "0 $(id -g) 1" > "/proc/$1/gid_map"\n',
};

/** A folder with the stand-ins where this user can map nothing but their own id; else `undefined`. */
export async function singleIdTools(keeperFolder: string): Promise<string | undefined> {
  if (await mayMapRanges()) return undefined;
  const folder = join(keeperFolder, 'bin');
  await mkdir(folder, { mode: 0o700 });
  for (const [name, text] of Object.entries(STAND_INS)) await writeFile(join(folder, name), text, { mode: 0o700 });
  return folder;
}

async function mayMapRanges(): Promise<boolean> {
  const { uid, username } = userInfo();
  const counts = await Promise.all(['/etc/subuid', '/etc/subgid'].map(async (path) => countSubIds(await readFile(path, 'utf8').catch(() => ''), username, uid)));
  const listed = counts.every((count) => count > 0) || (await succeeds('getsubids', [username])); // from a directory service
  return listed && (await succeeds('sh', ['-c', 'command -v newuidmap && command -v newgidmap']));
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args, { okStatus: 'any' }).then(({ status }) => status === 0, () => false);
}
