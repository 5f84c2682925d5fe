import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '../../engine/host/process.ts';
import { BenchClient } from './client.ts';
import { processesNaming, pssOf } from './processes.ts';

export interface PeerSpec {
  readonly name: 'Berth' | 'Docker' | 'Podman';
  /** Folder of everything of this engine; named in the command lines of all its processes. */
  readonly root: string;
  readonly socketPath: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Berth's instance name. */
  readonly instance?: string;
  /** The name of a network namespace for the engine alone: its rules and bridges disturb nobody. */
  readonly netns: string;
}

/** An engine under measurement: a process in a network namespace of its own. */
export class Peer {
  readonly spec: PeerSpec;
  readonly client: BenchClient;
  #child: ChildProcess | undefined;

  constructor(spec: PeerSpec) {
    this.spec = spec;
    this.client = new BenchClient(spec.name, spec.socketPath);
  }

  async start(): Promise<void> {
    const { netns, program, args, env, root, name } = this.spec;
    if (!existsSync(`/run/netns/${netns}`)) {
      await run('ip', ['netns', 'add', netns]);
      await run('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    }
    const log = await open(`${root}/log`, 'a');
    try {
      this.#child = start('nsenter', [`--net=/run/netns/${netns}`, program, ...args], { env, stdio: ['ignore', log.fd, log.fd] });
    } finally {
      await log.close();
    }
    for (let tries = 0; ; tries++) {
      if (await this.client.call('GET', '/_ping').then(() => true, () => false)) return;
      if (tries > 300 || this.#child.exitCode !== null) throw new Error(`${name} did not start; see ${root}/log`);
      await delay(100);
    }
  }

  async stop(): Promise<void> {
    this.client.close();
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await Promise.race([once(child, 'exit'), delay(15_000)]);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }

  /** Stops, and takes away what is left: namespaces, mounts, helper processes that name our folder. */
  async remove(): Promise<void> {
    await this.stop();
    for (const { pid } of await processesNaming(`${this.spec.root}/`)) process.kill(pid, 'SIGKILL');
    const left = (await readdir('/run/netns').catch(() => [])).filter((name) => name === this.spec.netns || (this.spec.instance !== undefined && name.startsWith(`berth-${this.spec.instance}-`)));
    for (const name of left) await run('ip', ['netns', 'del', name], { okStatus: 'any' });
    const mounts = (await run('findmnt', ['-rno', 'TARGET'], { okStatus: 'any' })).stdout.split('\n').filter((target) => target.startsWith(`${this.spec.root}/`));
    for (const target of mounts.reverse()) await run('umount', ['-l', target], { okStatus: 'any' });
  }

  /** Memory of the engine and all its helpers (MiB), without the containers' own processes. */
  async memory(): Promise<number> {
    return pssOf((await processesNaming(`${this.spec.root}/`)).map(({ pid }) => pid));
  }
}
