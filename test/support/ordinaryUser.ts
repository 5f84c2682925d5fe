import { chmod, chown, cp, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';
import { openTun } from './tun.ts';

const FIRST_ID = 1_200_000;
const RANGE = 65_536;

/** A user of this host who is not root, with a home of their own and Node and the engine's bundle in it: a clone may be where only root gets. */
export class OrdinaryUser {
  readonly name: string;
  readonly root: string;
  readonly uid: number;
  /** Of the user's range of further ids: each user has another. */
  readonly firstId: number;

  private constructor(name: string, root: string, uid: number) {
    this.name = name;
    this.root = root;
    this.uid = uid;
    this.firstId = firstIdOf(uid);
  }

  /** `subIds`: whether the user has ranges of further ids. The TUN device is opened to everybody, as it is on ordinary hosts. */
  static async create(name: string, options: { readonly bundle: string; readonly subIds: boolean }): Promise<OrdinaryUser> {
    await removeTestUser(name);
    const root = await testRoot(tmpdir(), name, { user: name });
    await chmod(root, 0o711);
    await run('useradd', ['--no-create-home', '--home-dir', join(root, 'home'), '--shell', '/bin/sh', name]);
    const uid = Number((await run('id', ['-u', name])).stdout);
    await setSubIds(name, options.subIds ? firstIdOf(uid) : undefined);
    await openTun();
    const user = new OrdinaryUser(name, root, uid);
    await mkdir('/run/user', { recursive: true });
    await rm(user.runtimeFolder, { recursive: true, force: true });
    for (const folder of [join(root, 'home'), join(root, 'work'), user.runtimeFolder]) await user.#ownFolder(folder);
    await mkdir(join(root, 'bin'));
    await cp(process.execPath, join(root, 'bin', 'node'));
    await cp(options.bundle, join(root, 'bin', 'berth.cjs'));
    for (const name of ['berth-main.cjs', 'berth-engine.cjs', 'endpoint-agent.cjs']) await cp(join(dirname(options.bundle), name), join(root, 'bin', name));
    await cp(join(dirname(options.bundle), 'native'), join(root, 'bin', 'native'), { recursive: true });
    return user;
  }

  /** As systemd makes it when a user logs in. */
  get runtimeFolder(): string {
    return runtimeFolderOf(this.uid);
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: join(this.root, 'home'), USER: this.name, XDG_RUNTIME_DIR: this.runtimeFolder };
  }

  /** Runs a program as this user. */
  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run('setpriv', ['--reuid', this.name, '--regid', this.name, '--init-groups', '--', program, ...args], { cwd: this.root, ...options, env: { ...this.env, ...options.env } });
  }

  berth(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.run(join(this.root, 'bin', 'node'), [join(this.root, 'bin', 'berth.cjs'), ...args], options);
  }

  /** What of this user's runs, as lines for people; a zombie runs no more. */
  async processes(): Promise<string[]> {
    const pids = await processesOf(this.uid);
    return Promise.all(pids.map(async (pid) => `process ${pid} ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').slice(0, 120)}`));
  }

  /** Takes the user away with all that is theirs, and gives the TUN device its mode back. */
  async remove(): Promise<void> {
    // The account last: whoever gets its number next has a runtime folder by the same name.
    await rm(this.root, { recursive: true, force: true });
    await removeTestUser(this.name);
    await removeTestRoot(this.root);
  }

  async #ownFolder(path: string): Promise<void> {
    await mkdir(path, { mode: 0o700 });
    await chown(path, this.uid, this.uid);
  }
}

function firstIdOf(uid: number): number {
  return FIRST_ID + (uid % 1000) * RANGE;
}

/** `first`: of the user's range; `undefined`: none. */
async function setSubIds(name: string, first: number | undefined): Promise<void> {
  for (const [file, add, remove] of [['/etc/subuid', '--add-subuids', '--del-subuids'], ['/etc/subgid', '--add-subgids', '--del-subgids']] as const) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line.startsWith(`${name}:`));
    for (const line of lines) {
      const [, start = 0, count = 0] = line.split(':').map(Number);
      await run('usermod', [remove, `${start}-${start + count - 1}`, name]);
    }
    if (first !== undefined) await run('usermod', [add, `${first}-${first + RANGE - 1}`, name]);
  }
}

/** Takes a user away with their runtime folder; also one that an interrupted run left. */
export async function removeTestUser(name: string): Promise<void> {
  const uid = await uidOf(name);
  if (uid !== undefined) await rm(runtimeFolderOf(uid), { recursive: true, force: true });
  await run('userdel', ['--force', name], { okStatus: 'any' });
}

/** Pids of a user's processes, those with ids of the user's range too. */
export async function userProcesses(name: string): Promise<number[]> {
  const uid = await uidOf(name);
  return uid === undefined ? [] : processesOf(uid);
}

/** A zombie runs no more. */
async function processesOf(uid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const first = firstIdOf(uid);
  const theirs = await Promise.all(pids.map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const owner = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1);
    return (owner === uid || (owner >= first && owner < first + RANGE)) && !/^State:\s+[ZX]/m.test(status);
  }));
  return pids.filter((_pid, index) => theirs[index]).map(Number);
}

async function uidOf(name: string): Promise<number | undefined> {
  const { status, stdout } = await run('id', ['-u', name], { okStatus: 'any' });
  return status === 0 ? Number(stdout) : undefined;
}

function runtimeFolderOf(uid: number): string {
  return `/run/user/${uid}`;
}
