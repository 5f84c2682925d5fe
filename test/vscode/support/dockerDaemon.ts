import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../../engine/host/process.ts';
import type { RunResult } from '../../../engine/host/process.ts';

/** A Docker daemon of the test's own, without networks. */
export class DockerDaemon {
  readonly root: string;
  readonly socketPath: string;
  readonly #child: ChildProcess;

  private constructor(root: string) {
    this.root = root;
    this.socketPath = join(root, 'docker.sock');
    const dirs = ['--data-root', join(root, 'data'), '--exec-root', join(root, 'exec'), '-p', join(root, 'pid')];
    this.#child = start('dockerd', [...dirs, '-H', `unix://${this.socketPath}`, '--bridge', 'none', '--iptables=false'], { stdio: 'ignore' });
  }

  static async start(): Promise<DockerDaemon> {
    const daemon = new DockerDaemon(await mkdtemp(join(tmpdir(), 'berth-dockerd-')));
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if ((await daemon.docker(['version'], 'any')).status === 0) return daemon;
      await delay(100);
    }
    await daemon.stop();
    throw new Error('dockerd did not start');
  }

  docker(args: readonly string[], okStatus: 'any' | readonly number[] = [0]): Promise<RunResult> {
    return run('docker', args, { env: { ...process.env, DOCKER_HOST: `unix://${this.socketPath}`, DOCKER_CONFIG: join(this.root, 'config') }, okStatus });
  }

  async stop(): Promise<void> {
    const ids = (await this.docker(['ps', '-aq'], 'any')).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await this.docker(['rm', '-f', ...ids], 'any');
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await ended;
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
