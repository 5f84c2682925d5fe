import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, start } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { bundle } from './engine.ts';
import { packagedEngine } from './engineArchive.ts';
import { removedWithUs } from './removedWithUs.ts';

/** A host as one who logs in knows it. */
export interface KnownHost {
  readonly name: string;
  readonly address: string;
  readonly keyFile: string;
  readonly knownHostsFile: string;
}

/** Somebody's own machine: a home with an SSH configuration and `berth`, no engine. Disposing ends its links and syncs. */
export class ClientMachine implements AsyncDisposable {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #hosts = new Set<string>();

  private constructor(home: string) {
    this.home = home;
    const { BERTH_SOCKET: _socket, DOCKER_HOST: _docker, SSH_AUTH_SOCK: _agent, ...rest } = process.env;
    this.env = { ...rest, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), XDG_STATE_HOME: join(home, '.state'), XDG_RUNTIME_DIR: join(home, 'run'), BERTH_RUN_ROOT: join(home, 'run/berth'), BERTH_DATA_ROOT: join(home, 'data'), BERTH_INSTANCE: 'none' };
  }

  static async create(): Promise<ClientMachine> {
    await packagedEngine();
    const home = await mkdtemp(join(tmpdir(), 'berth-client-'));
    removedWithUs(home);
    for (const folder of ['.ssh', 'run']) await mkdir(join(home, folder), { mode: 0o700 });
    return new ClientMachine(home);
  }

  /** Lets ssh log in as `user`; the host key is known. */
  async know(host: KnownHost, user = 'root', lines: readonly string[] = []): Promise<void> {
    const entry = [`Host ${host.name}`, `  HostName ${host.address}`, `  User ${user}`, `  IdentityFile ${host.keyFile}`, '  IdentitiesOnly yes', `  UserKnownHostsFile ${host.knownHostsFile}`, ...lines.map((line) => `  ${line}`)];
    await writeFile(join(this.home, '.ssh/config'), `${entry.join('\n')}\n`, { mode: 0o600, flag: 'a' });
  }

  async addHost(name: string, options: readonly string[] = []): Promise<void> {
    await this.berth(['host', 'add', name, '--name', name, ...options]);
    this.#hosts.add(name);
  }

  berth(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(process.execPath, [bundle, ...args], { cwd: this.home, ...options, env: { ...this.env, ...options.env } });
  }

  /** A command that goes on; the caller owns it. */
  begin(args: readonly string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof start> {
    return start(process.execPath, [bundle, ...args], { cwd: this.home, env: { ...this.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(program, args, { cwd: this.home, ...options, env: { ...this.env, ...options.env } });
  }

  /** ssh takes the home of the password database: its configuration must be named. */
  sshOptions(): string[] {
    return ['-F', join(this.home, '.ssh/config'), '-o', 'BatchMode=yes'];
  }

  ssh(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.run('ssh', [...this.sshOptions(), ...args], options);
  }

  /** The link's socket, for Docker's clients. */
  socket(host: string): string {
    return join(this.home, 'run/berth/hosts', `${host}.sock`);
  }

  docker(host: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run('docker', ['-H', `unix://${this.socket(host)}`, ...args], { ...options, env: { ...this.env, ...options.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await this.berth(['sync', 'list', '--json'], { okStatus: 'any' });
    for (const { id } of JSON.parse(stdout || '[]') as Array<{ id: string }>) await this.berth(['sync', 'stop', id], { okStatus: 'any' });
    for (const name of this.#hosts) await this.berth(['host', 'disconnect', name], { okStatus: 'any' });
    const { stdout: processes } = await run('pgrep', ['-fa', this.home], { okStatus: 'any' });
    await rm(this.home, { recursive: true, force: true });
    assert.equal(processes, '', 'processes of the client machine');
  }
}
