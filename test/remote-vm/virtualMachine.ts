import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { run } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { machineImage } from './machineImage.ts';
import { runningMachine } from './runningMachine.ts';
import type { RunningMachine } from './runningMachine.ts';

/**
 * A Linux server of its own: kernel, systemd, version 2 of control groups, sshd; nothing of ours. Everything is ten to thirty times slower than outside.
 * `root` and `dev` (with sudo and subordinate ids) log in by `keyFile`. It ends with the process that started it.
 */
export class VirtualMachine implements AsyncDisposable {
  readonly name: string;
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly keyFile: string;
  readonly knownHostsFile: string;
  readonly #machine: RunningMachine;
  readonly #cleanup: CleanupStack;

  private constructor(name: string, keyFile: string, machine: RunningMachine, cleanup: CleanupStack) {
    this.name = name;
    this.port = machine.port;
    this.keyFile = keyFile;
    this.knownHostsFile = machine.knownHostsFile;
    this.#machine = machine;
    this.#cleanup = cleanup;
  }

  /** A copy of the machine that was started once; with words for its kernel one that starts anew. */
  static async start(name: string, kernelWords?: string): Promise<VirtualMachine> {
    const image = await machineImage();
    await using undo = new CleanupStack();
    const folder = await mkdtemp(join(tmpdir(), `berth-${name}-`));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const disk = join(folder, 'disk.qcow2');
    await run('cp', ['--sparse=always', '--reflink=auto', image.booted, disk]);
    await run('qemu-img', ['rebase', '-u', '-F', 'raw', '-b', image.disk, disk]);
    const machine = await runningMachine({ image, disk, folder, ...(kernelWords === undefined ? { resume: true } : { resume: false, kernelWords }) });
    undo.defer(async () => machine[Symbol.asyncDispose]());
    await machine.answers(kernelWords === undefined ? 120_000 : 300_000);
    await machine.ssh(`date --set=@${Math.floor(Date.now() / 1000)}`); // it had stood still since the snapshot
    return new VirtualMachine(name, image.keyFile, machine, undo.move());
  }

  /** For an entry in ssh_config. */
  get sshLines(): readonly string[] {
    return [`Port ${this.port}`];
  }

  /** Runs a command there. */
  exec(command: string, options: RunOptions & { readonly user?: string } = {}): Promise<RunResult> {
    return this.#machine.ssh(command, options);
  }

  /** Restarts it as an administrator does, and waits until it lets one in again. */
  async reboot(): Promise<void> {
    const boot = async (): Promise<string> => (await this.exec('cat /proc/sys/kernel/random/boot_id')).stdout.trim();
    const before = await boot();
    await this.exec('systemctl reboot');
    for (const end = Date.now() + 300_000; ; await delay(500)) {
      const now = await boot();
      if (now !== '' && now !== before) return;
      if (Date.now() > end) throw new Error('the machine did not come back');
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.run();
  }
}
