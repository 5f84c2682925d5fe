import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import type { TestEngine } from './engine.ts';
import { removedWithUs } from './removedWithUs.ts';

const child = join(import.meta.dirname, 'remoteChild.ts');

export interface RemoteWorldOptions {
  /** The host asks for this password. */
  readonly password?: string;
  /** The host's SSH server forwards to no sockets. */
  readonly forbidsForwarding?: boolean;
}

/** A user's machine with a `berth` whose hosts all lead to one engine; disposing ends its links. */
export class RemoteWorld {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #names = new Set<string>();

  private constructor(folder: string, engine: TestEngine, options: RemoteWorldOptions) {
    this.folder = folder;
    const { BERTH_SOCKET: _socket, DOCKER_HOST: _host, ...rest } = process.env;
    this.env = {
      ...rest,
      HOME: folder,
      XDG_CONFIG_HOME: join(folder, 'config'),
      XDG_STATE_HOME: join(folder, 'state'),
      BERTH_RUN_ROOT: join(folder, 'run'),
      BERTH_DATA_ROOT: join(folder, 'data'),
      BERTH_INSTANCE: 'lnkx',
      BERTH_LINK_IDLE_SECONDS: '60',
      BERTH_TEST_REMOTE: JSON.stringify({ env: engine.env, socketPath: engine.client.socketPath, ...options }),
    };
  }

  static async create(engine: TestEngine, options: RemoteWorldOptions = {}): Promise<RemoteWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'berth-lnk-'));
    removedWithUs(folder);
    return new RemoteWorld(folder, engine, options);
  }

  /** The command line of `berth` on this machine. */
  command(args: readonly string[]): string[] {
    return [process.execPath, '--disable-warning=ExperimentalWarning', child, ...args];
  }

  async berth(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const [program = '', ...rest] = this.command(args);
    return run(program, rest, { cwd: this.folder, ...options, env: { ...this.env, ...options.env } });
  }

  async addHost(name: string): Promise<string> {
    await this.berth(['host', 'add', `ssh://user@${name}.example`, '--name', name]);
    this.#names.add(name);
    return name;
  }

  socket(name: string): string {
    return join(this.folder, 'run', 'hosts', `${name}.sock`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await this.berth(['host', 'disconnect', name], { okStatus: 'any' });
    await rm(this.folder, { recursive: true, force: true });
  }
}
