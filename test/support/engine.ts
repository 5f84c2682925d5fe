import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../../engine/api/client.ts';
import { run, start } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { leftovers } from './leftovers.ts';
import type { OrdinaryUser } from './ordinaryUser.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';

const repository = resolve(import.meta.dirname, '../..');
/** The engine as users get it. `npm run build` makes it; `npm test` does so before the host suites. */
export const bundle = join(repository, 'dist', 'berth.cjs');

function fastFolder(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

export interface TestEngineOptions {
  /** At most 8 characters of [a-z0-9]; each test file has its own. */
  readonly instance: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Where the engine's folders are made; default: memory where there is some, as making thousands of small files on disk takes seconds. */
  readonly parent?: string;
  /** Programs (absolute, not links) that this engine shall not find: covered in a mount namespace of its own. */
  readonly hide?: readonly string[];
  /** Files that this engine shall see as others: what it sees in the place of each. */
  readonly cover?: Readonly<Record<string, string>>;
  /** Whether the host shall have control groups for this engine; default true. */
  readonly cgroups?: boolean;
  /** Whose engine it is; default: root's. */
  readonly user?: OrdinaryUser;
}

/** An engine of the test's own: a real process on its own roots, socket, bridge and nft table. */
export class TestEngine {
  readonly root: string;
  readonly dataRoot: string;
  readonly runRoot: string;
  readonly instance: string;
  readonly env: NodeJS.ProcessEnv;
  readonly client: ApiClient;
  /** What is mounted over parts of the host, for this engine alone. */
  readonly #covers: readonly string[];
  readonly #user: OrdinaryUser | undefined;

  private constructor(root: string, options: TestEngineOptions) {
    this.root = root;
    this.instance = options.instance;
    this.#covers = [
      ...(options.hide ?? []).map((path) => `mount --bind /dev/null ${path}`),
      ...Object.entries(options.cover ?? {}).map(([path, by]) => `mount --bind ${by} ${path}`),
      ...(options.cgroups === false ? ['mount -t tmpfs -o ro none /sys/fs/cgroup'] : []),
    ];
    this.#user = options.user;
    // An ordinary user has nothing else on this host: the engine's places are where users have them.
    this.dataRoot = options.user ? join(options.user.root, 'home/.local/share/berth') : join(root, 'data');
    this.runRoot = options.user ? join(options.user.runtimeFolder, 'berth') : join(root, 'run');
    const socketPath = join(this.runRoot, 'berth.sock');
    this.env = {
      ...(options.user ? options.user.env : { ...process.env, BERTH_DATA_ROOT: this.dataRoot, BERTH_RUN_ROOT: this.runRoot, BERTH_SOCKET: socketPath }),
      BERTH_INSTANCE: options.instance,
      BERTH_IDLE_SECONDS: '600',
      BERTH_SSH_FOLDER: join(root, 'ssh'),
      DOCKER_HOST: `unix://${socketPath}`,
      DOCKER_CONFIG: join(root, 'docker-config'),
      DOCKER_BUILDKIT: '0',
      ...options.env,
    };
    this.client = new ApiClient(socketPath);
  }

  /** Makes the folders and starts the engine in the background, as the CLI does on demand. */
  static async start(options: TestEngineOptions): Promise<TestEngine> {
    assert.ok(existsSync(bundle), `${bundle} is not there: npm run build`);
    const { instance, user } = options;
    const root = await testRoot(user ? join(user.root, 'work') : (options.parent ?? fastFolder()), instance, { instance });
    if (user) await chown(root, user.uid, user.uid);
    const engine = new TestEngine(root, options);
    await engine.startAgain();
    return engine;
  }

  /** Starts an engine after the one before it has ended; as that one, it does not find what is hidden. */
  async startAgain(): Promise<void> {
    if (this.#covers.length > 0) await this.#startBehind(this.#covers);
    else await this.berth(['engine', 'start']);
  }

  async #startBehind(covers: readonly string[]): Promise<void> {
    await run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', `${covers.join(' && ')} && exec "$@"`, 'sh', process.execPath, bundle, 'engine', 'start'], { cwd: this.root, env: this.env });
  }

  /** Runs a berth command; throws for a status that is not in `okStatus` (default 0). */
  berth(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    if (this.#user) return this.#user.berth(args, { cwd: this.root, ...options, env: { ...this.env, ...options.env } });
    return run(process.execPath, [bundle, ...args], { cwd: this.root, ...options, env: { ...this.env, ...options.env } });
  }

  /** Runs the stock docker CLI against this engine. */
  docker(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run('docker', args, { cwd: this.root, ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts the docker CLI and leaves it running; the caller ends it. */
  startDocker(args: readonly string[]): ReturnType<typeof start> {
    return start('docker', args, { cwd: this.root, env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  async pid(): Promise<number> {
    return (JSON.parse((await this.berth(['engine', 'status', '--json'])).stdout) as { pid: number }).pid;
  }

  /** Ends the engine as a crash does, and waits until it is gone. */
  async kill(): Promise<void> {
    const pid = await this.pid();
    process.kill(pid, 'SIGKILL');
    while (existsSync(`/proc/${pid}/exe`)) await delay(5);
  }

  /** Removes containers, stops the engine (which takes its network down) and removes its folders, and asserts that nothing is left. */
  async remove(): Promise<void> {
    const ids = (await this.docker(['ps', '-aq'], { okStatus: 'any' })).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.docker(['rm', '-f', '-v', ...ids], { okStatus: 'any' });
    await this.berth(['engine', 'stop'], { okStatus: 'any' });
    const left = [...(await leftovers(this.root, this.instance)), ...(this.#user ? await untilNothing(() => this.#user?.processes() ?? []) : [])];
    await removeTestRoot(this.root);
    assert.deepEqual(left, [], 'the engine left something on the host');
  }
}

/** What there still is after a while: the keeper of an ordinary user's namespaces leaves when it hears that nobody needs it. */
export async function untilNothing(look: () => Promise<string[]> | string[]): Promise<string[]> {
  for (const end = Date.now() + 10_000; ; await delay(20)) {
    const left = await look();
    if (left.length === 0 || Date.now() > end) return left;
  }
}
