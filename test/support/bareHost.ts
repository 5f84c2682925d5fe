import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { run, start } from '../../engine/host/process.ts';
import type { HostConnection } from '../../engine/remote/connection.ts';
import { baseTar } from './base.ts';
import { localConnection } from './localConnection.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';

/** What every host has that one can log in to: a shell and the commands that POSIX asks for, here in one static program without any library. */
const applets = ['cat', 'chmod', 'chroot', 'date', 'df', 'echo', 'false', 'gzip', 'id', 'kill', 'ln', 'ls', 'mkdir', 'mount', 'mv', 'ps', 'readlink', 'rm', 'rmdir', 'sh', 'sha256sum', 'sleep', 'tail', 'tar', 'touch', 'true', 'umount', 'uname', 'wc'];

/** The first process there: makes the file systems, leaves the old root, and reaps what is orphaned. */
const init = `
  set -e
  mount --make-rprivate /
  mount --bind "$1" "$1"
  cd "$1"
  mount -t proc proc proc
  mount --rbind /dev dev
  mount --rbind /sys sys
  mount -t tmpfs tmpfs run
  pivot_root . old
  exec chroot . /bin/sh -c "umount -l /old; echo ready; while :; do sleep 1000 & wait; done" < /dev/null
`;

/** A root file system of its own, with its own processes, mounts and network, that one can run commands in: `busybox` has no C library, `debian` none of our tools. */
export class BareHost {
  readonly root: string;
  readonly connection: HostConnection;
  readonly #end: () => Promise<void>;

  private constructor(root: string, connection: HostConnection, end: () => Promise<void>) {
    this.root = root;
    this.connection = connection;
    this.#end = end;
  }

  /** `busybox`: a static one. `instance`: of the engine that will run there. */
  static async start(kind: 'busybox' | 'debian', busybox: Buffer, instance: string): Promise<BareHost> {
    const root = await testRoot(tmpdir(), 'bare', { instance });
    if (kind === 'debian') await run('tar', ['-xf', await baseTar(), '-C', root, '--exclude=./dev/*']);
    for (const name of ['bin', 'dev', 'etc', 'old', 'proc', 'root', 'run', 'sys', 'tmp', 'var']) await mkdir(join(root, name), { recursive: true });
    if (kind === 'busybox') {
      await writeFile(join(root, 'bin/busybox'), busybox, { mode: 0o755 });
      for (const name of applets) await symlink('busybox', join(root, 'bin', name));
      await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    }
    const child = start('unshare', ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child', 'sh', '-c', init, 'sh', root], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await Promise.race([once(child.stdout as Readable, 'data'), once(child, 'exit')])) as [unknown];
    if (String(said) !== 'ready\n') throw new Error(`the bare host did not start: ${String(said)}`);
    const pid = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim();
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', BERTH_INSTANCE: instance };
    const connection = localConnection(env, ['/usr/bin/nsenter', '-t', pid, '-m', '-p', '-n', '-u', '-i', '-r', '-w']);
    const end = async (): Promise<void> => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      await removeTestRoot(root);
    };
    return new BareHost(root, connection, end);
  }

  /** Ends everything in it and removes it. */
  stop(): Promise<void> {
    return this.#end();
  }
}
