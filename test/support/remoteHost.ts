import { existsSync, readlinkSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { run, start } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { makeCgroups, removeCgroups } from './remoteHostCgroups.ts';
import { extras, remoteHostRoot } from './remoteHostRoot.ts';
import type { Extra } from './remoteHostRoot.ts';
import { ENTER, INIT, IN_GROUPS } from './remoteHostScripts.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';

export interface RemoteHostOptions {
  /** At most 8 characters of [a-z0-9], each test file its own. Also the host's name. */
  readonly name: string;
  /** Lines of sshd_config that come before ours; from the first `Match` on, after ours. */
  readonly sshdConfig?: readonly string[];
  /** Programs beyond a bare host: none by default. */
  readonly has?: readonly Extra[];
  /** Folders of this machine, to be read there, by their paths there. Without spaces. */
  readonly folders?: Readonly<Record<string, string>>;
}

/**
 * A Linux host of its own kernel namespaces: network, mounts, processes, host name and cgroups, on a root file system with sshd and nothing of ours.
 * `root` and `dev` log in by `keyFile`. /home, /root, /var/lib and /tmp lie on a plain file system, so that overlay works inside.
 * When the process that started it ends, in whatever way, the host ends too.
 */
export class RemoteHost {
  readonly name: string;
  /** IPv4, reachable from this machine only. sshd is on port 22. */
  readonly address: string;
  /** This machine as the host sees it. */
  readonly gateway: string;
  /** Private key of both users. */
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** For tests: a known_hosts file that has `hostKey`. */
  readonly knownHostsFile: string;
  /** Where its files are on this machine. */
  readonly folder: string;
  readonly #pid: number;
  readonly #link: string;
  readonly #groups: readonly string[];
  readonly #cleanup: CleanupStack;

  private constructor(parts: Pick<RemoteHost, 'name' | 'address' | 'gateway' | 'keyFile' | 'hostKey' | 'knownHostsFile' | 'folder'> & { pid: number; link: string; groups: readonly string[]; cleanup: CleanupStack }) {
    this.name = parts.name;
    this.address = parts.address;
    this.gateway = parts.gateway;
    this.keyFile = parts.keyFile;
    this.hostKey = parts.hostKey;
    this.knownHostsFile = parts.knownHostsFile;
    this.folder = parts.folder;
    this.#pid = parts.pid;
    this.#link = parts.link;
    this.#groups = parts.groups;
    this.#cleanup = parts.cleanup;
  }

  static async start(options: RemoteHostOptions): Promise<RemoteHost> {
    await using undo = new CleanupStack();
    const cleanup = new CleanupStack();
    undo.defer(() => cleanup.run());
    const folder = await testRoot(tmpdir(), options.name);
    cleanup.defer(() => removeTestRoot(folder));
    const lower = await remoteHostRoot();
    const { keyFile, hostKey } = await makeKeys(folder);
    await makeDisk(folder, lower, options);
    const groups = await makeCgroups(`remote-${options.name}`);
    cleanup.defer(() => removeCgroups(groups));
    const child = await enter(folder, lower, options, groups);
    cleanup.defer(() => end(child));
    const pid = child.pid ?? 0;
    const network = await connectNetwork(options.name, pid);
    const knownHostsFile = join(folder, 'known_hosts');
    await writeFile(knownHostsFile, `${network.address} ${hostKey}\n`);
    await answering(network.address, 22, folder);
    undo.keep();
    return new RemoteHost({ name: options.name, ...network, keyFile, hostKey, knownHostsFile, folder, groups, pid: await initOf(pid), cleanup });
  }

  /** Runs a command there as root, not by ssh. */
  exec(command: string, options: RunOptions = {}): Promise<RunResult> {
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', ...options.env };
    const inside = ['nsenter', '--target', String(this.#pid), '--mount', '--uts', '--ipc', '--pid', '--net', '--cgroup', '--', '/bin/bash', '-c', command];
    return run('/bin/bash', ['-c', IN_GROUPS, 'join', String(this.#groups.length), ...this.#groups, ...inside], { ...options, env });
  }

  /** Its files as they are there, mounts included, seen from this machine. */
  get root(): string {
    return `/proc/${this.#pid}/root`;
  }

  /** Cuts the cable: packets both ways are lost, connections stay as they are. */
  cut(): Promise<unknown> {
    return run('ip', ['link', 'set', this.#link, 'down']);
  }

  restore(): Promise<unknown> {
    return run('ip', ['link', 'set', this.#link, 'up']);
  }

  /** What its sshd said. */
  log(): Promise<string> {
    return readFile(join(this.folder, 'upper/var/log/sshd.log'), 'utf8').catch(() => '');
  }

  stop(): Promise<void> {
    return this.#cleanup.run();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function makeKeys(folder: string): Promise<{ keyFile: string; hostKey: string }> {
  const keyFile = join(folder, 'id');
  for (const file of ['id', 'host_key']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(folder, file)]);
  const hostKey = (await readFile(join(folder, 'host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ').trim();
  return { keyFile, hostKey };
}

async function makeDisk(folder: string, lower: string, options: RemoteHostOptions): Promise<void> {
  await chmod(folder, 0o755);
  const upper = join(folder, 'upper');
  for (const path of ['upper/etc/ssh', 'upper/usr/sbin', 'upper/usr/bin', 'upper/var/log', 'work', 'root', 'disk']) await mkdir(join(folder, path), { recursive: true, mode: 0o755 });
  for (const [from, to] of [['home', 'home'], ['root', 'root'], ['var/lib', 'varlib']] as const) await run('cp', ['-a', join(lower, from), join(folder, 'disk', to)]);
  await mkdir(join(folder, 'disk/tmp'));
  await chmod(join(folder, 'disk/tmp'), 0o1777);
  await writeFile(join(upper, 'etc/hostname'), `${options.name}\n`);
  await writeFile(join(upper, 'etc/hosts'), `127.0.0.1 localhost ${options.name}\n`);
  await writeFile(join(upper, 'usr/sbin/host-init'), INIT, { mode: 0o755 });
  await cp(join(folder, 'host_key'), join(upper, 'etc/ssh/host_key'));
  await writeFile(join(upper, 'etc/ssh/sshd_config'), sshdConfig(options.sshdConfig ?? []));
  const keys = await readFile(join(folder, 'id.pub'), 'utf8');
  for (const [home, uid] of [['root', 0], ['home/dev', 1000]] as const) {
    await mkdir(join(folder, 'disk', home, '.ssh'), { mode: 0o700 });
    await writeFile(join(folder, 'disk', home, '.ssh/authorized_keys'), keys, { mode: 0o600 });
    for (const path of ['.ssh', '.ssh/authorized_keys']) await chown(join(folder, 'disk', home, path), uid, uid);
  }
  const hidden = (Object.keys(extras) as Extra[]).filter((name) => !(options.has ?? []).includes(name)).flatMap((name) => extras[name]);
  // A character device 0:0 in the upper directory is overlay's word for "not there".
  for (const path of hidden) {
    await mkdir(join(upper, dirname(path)), { recursive: true, mode: 0o755 });
    await run('mknod', [join(upper, path), 'c', '0', '0']);
  }
}

function sshdConfig(lines: readonly string[]): string {
  const match = lines.findIndex((line) => /^\s*match\b/i.test(line));
  const [before, after] = match < 0 ? [lines, []] : [lines.slice(0, match), lines.slice(match)];
  const ours = ['HostKey /etc/ssh/host_key', 'PermitRootLogin prohibit-password', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UsePAM no', 'UseDNS no', 'MaxStartups 100', 'Subsystem sftp internal-sftp'];
  return `${[...before, ...ours, ...after].join('\n')}\n`;
}

async function enter(folder: string, lower: string, { name, folders = {} }: RemoteHostOptions, groups: readonly string[]): Promise<ChildProcess> {
  const script = join(folder, 'enter');
  await writeFile(script, ENTER);
  const ours = readlinkSync('/proc/self/ns/net');
  const child = start('setpriv', ['--pdeathsig', 'KILL', '/bin/bash', '-c', IN_GROUPS, 'join', String(groups.length), ...groups, 'unshare', '--mount', '--uts', '--ipc', '--pid', '--net', '--cgroup', '--fork', '--kill-child', '--', '/bin/bash', script], { env: { ...process.env, BASE: folder, LOWER: lower, NAME: name, FOLDERS: Object.entries(folders).map(([there, here]) => `${here}:${there}`).join(' ') }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const unshared = (): boolean => {
    try {
      return readlinkSync(`/proc/${child.pid}/ns/net`) !== ours;
    } catch {
      return false;
    }
  };
  await until(() => unshared() || child.exitCode !== null, `the namespaces of ${name}`);
  if (child.exitCode !== null) throw new Error(`the host ${name} did not start: ${said}`);
  return child;
}

/** The host's process 1. */
async function initOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}

async function connectNetwork(name: string, pid: number): Promise<{ address: string; gateway: string; link: string }> {
  const net = `10.231.${randomInt(1, 255)}`;
  const last = randomInt(0, 64) * 4;
  const [gateway, address, link] = [`${net}.${last + 1}`, `${net}.${last + 2}`, `rv${name}`];
  await run('ip', ['link', 'del', link], { okStatus: 'any' }); // of a run that was killed this instant
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]);
  await run('ip', ['addr', 'add', `${gateway}/30`, 'dev', link]);
  await run('ip', ['link', 'set', link, 'up']);
  const inside = (args: readonly string[]): Promise<unknown> => run('nsenter', ['--target', String(pid), '--net', 'ip', ...args]);
  await inside(['addr', 'add', `${address}/30`, 'dev', 'eth0']);
  await inside(['link', 'set', 'eth0', 'up']);
  await inside(['link', 'set', 'lo', 'up']);
  await inside(['route', 'add', 'default', 'via', gateway]);
  return { address, gateway, link };
}

async function end(child: ChildProcess): Promise<void> {
  const init = await initOf(child.pid ?? 0).catch(() => 0);
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  await until(() => init === 0 || !existsSync(`/proc/${init}/exe`), 'the end of the host');
}

async function answering(host: string, port: number, folder: string): Promise<void> {
  const tried = async (): Promise<boolean> => {
    const socket = connect({ host, port, timeout: 1_000 });
    const answered = await Promise.race([once(socket, 'data').then(() => true), once(socket, 'timeout').then(() => false), once(socket, 'close').then(() => false)]).catch(() => false);
    socket.destroy();
    return answered;
  };
  await until(tried, `sshd on ${host}`).catch(async (error: unknown) => {
    throw new Error(await readFile(join(folder, 'upper/var/log/sshd.log'), 'utf8').catch(() => 'sshd did not start'), { cause: error });
  });
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await condition()); await delay(10)) {
    if (Date.now() > deadline) throw new Error(`${what} did not come`);
  }
}
