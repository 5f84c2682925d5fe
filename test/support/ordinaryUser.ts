import { chmod, chown, cp, mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';

const TUN = '/dev/net/tun';
const FIRST_ID = 1_200_000;

/** A user of this host who is not root, with a home of their own and Node and the engine's bundle in it: a clone may be where only root gets. */
export class OrdinaryUser {
  readonly name: string;
  readonly root: string;
  readonly uid: number;
  readonly #tunMode: number;

  private constructor(name: string, root: string, uid: number, tunMode: number) {
    this.name = name;
    this.root = root;
    this.uid = uid;
    this.#tunMode = tunMode;
  }

  /** `subIds`: whether the user has ranges of further ids. The TUN device is opened to everybody, as it is on ordinary hosts, until `remove`. */
  static async create(name: string, options: { readonly bundle: string; readonly subIds: boolean }): Promise<OrdinaryUser> {
    await removeUser(name);
    const root = await mkdtemp(join(tmpdir(), `berth-${name}-`));
    await chmod(root, 0o711);
    await run('useradd', ['--no-create-home', '--home-dir', join(root, 'home'), '--shell', '/bin/sh', name]);
    await setSubIds(name, options.subIds);
    const uid = Number((await run('id', ['-u', name])).stdout);
    const { mode } = await stat(TUN);
    await chmod(TUN, 0o666);
    const user = new OrdinaryUser(name, root, uid, mode & 0o777);
    await mkdir('/run/user', { recursive: true });
    await rm(user.runtimeFolder, { recursive: true, force: true });
    for (const folder of [join(root, 'home'), join(root, 'work'), user.runtimeFolder]) await user.#ownFolder(folder);
    await mkdir(join(root, 'bin'));
    await cp(process.execPath, join(root, 'bin', 'node'));
    await cp(options.bundle, join(root, 'bin', 'berth.cjs'));
    await cp(join(dirname(options.bundle), 'native'), join(root, 'bin', 'native'), { recursive: true });
    return user;
  }

  /** As systemd makes it when a user logs in. */
  get runtimeFolder(): string {
    return `/run/user/${this.uid}`;
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
    const found = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => this.#describe(pid)));
    return found.filter((line) => line !== '');
  }

  /** Takes the user away with all that is theirs, and gives the TUN device its mode back. */
  async remove(): Promise<void> {
    await chmod(TUN, this.#tunMode);
    await removeUser(this.name);
    for (const folder of [this.root, this.runtimeFolder]) await rm(folder, { recursive: true, force: true });
  }

  async #describe(pid: string): Promise<string> {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1);
    const theirs = uid === this.uid || (uid >= FIRST_ID && uid < FIRST_ID + 65536);
    return theirs && !/^State:\s+[ZX]/m.test(status) ? `process ${pid} ${(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').slice(0, 120)}` : '';
  }

  async #ownFolder(path: string): Promise<void> {
    await mkdir(path, { mode: 0o700 });
    await chown(path, this.uid, this.uid);
  }
}

async function setSubIds(name: string, wanted: boolean): Promise<void> {
  for (const [file, add, remove] of [['/etc/subuid', '--add-subuids', '--del-subuids'], ['/etc/subgid', '--add-subgids', '--del-subgids']] as const) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line.startsWith(`${name}:`));
    for (const line of lines) {
      const [, first = 0, count = 0] = line.split(':').map(Number);
      await run('usermod', [remove, `${first}-${first + count - 1}`, name]);
    }
    if (wanted) await run('usermod', [add, `${FIRST_ID}-${FIRST_ID + 65535}`, name]);
  }
}

/** Also one that an interrupted run left. */
async function removeUser(name: string): Promise<void> {
  await run('userdel', ['--force', name], { okStatus: 'any' });
}
