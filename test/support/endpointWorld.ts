import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { run, start } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { editorTar } from './base.ts';
import { DevProjects } from './devProjects.ts';

/** A dev container `app` that the system's own SSH clients connect to: user sailor (501), with git, rsync and scp inside. */
export class EndpointWorld {
  readonly dev: DevProjects;
  readonly folder: string;
  readonly alias = 'app.berth';
  readonly env: NodeJS.ProcessEnv;

  private constructor(dev: DevProjects, folder: string) {
    this.dev = dev;
    this.folder = folder;
    // A home of the test's own: the user's git settings and agent are not its business.
    this.env = { ...dev.engine.env, HOME: dev.root, GIT_CONFIG_NOSYSTEM: '1', SSH_AUTH_SOCK: '' };
  }

  static async start(instance: string): Promise<EndpointWorld> {
    const dev = await DevProjects.start(instance, { base: await editorTar() });
    const folder = await dev.project('app', { image: 'users', remoteEnv: { REMOTE: 'yes' } }, 1000);
    const { outcome, log } = await dev.up(folder);
    if (outcome !== 'success') throw new Error(log);
    return new EndpointWorld(dev, folder);
  }

  remove(): Promise<void> {
    return this.dev.remove();
  }

  get config(): string {
    return join(this.dev.engine.root, 'ssh', 'config');
  }

  /** Runs the system's ssh against the dev container. */
  ssh(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.tool('ssh', args, options);
  }

  /** Runs ssh, scp or sftp with our configuration. */
  tool(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return run(program, ['-F', this.config, ...args], { cwd: this.dev.root, ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts ssh and leaves it running; the caller ends it. */
  startSsh(args: readonly string[]): ChildProcess {
    return start('ssh', ['-F', this.config, ...args], { cwd: this.dev.root, env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
  }
}
