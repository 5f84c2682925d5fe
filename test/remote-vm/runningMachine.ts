import { createConnection } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { run, start } from '../../engine/host/process.ts';
import type { RunOptions, RunResult } from '../../engine/host/process.ts';
import { freePort } from '../support/freePort.ts';
import type { MachineImage } from './machineImage.ts';

const KERNEL = 'root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet mitigations=off';

/**
 * The hardware: part of what a snapshot can be resumed on. Software emulation, as KVM is not to be had everywhere. An old CPU model, since
 * what newer ones have is slow to emulate.
 */
export const MACHINE: readonly string[] = ['-machine', 'q35', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'Nehalem', '-smp', '2', '-m', '2048', '-nodefaults', '-no-user-config', '-display', 'none', '-append', KERNEL];

export interface MachineOptions {
  readonly image: MachineImage;
  /** Written to. */
  readonly disk: string;
  /** For what the run makes: its console, its monitor's socket, known_hosts. */
  readonly folder: string;
  /** Goes on from the image's snapshot, which `disk` has; else starts from the kernel on. */
  readonly resume: boolean;
  /** Further words for the kernel, where it is started. */
  readonly kernelWords?: string;
}

/** A machine that runs, until disposed or until the process that started it ends. */
export interface RunningMachine extends AsyncDisposable {
  /** Of its sshd, on this machine's loopback. */
  readonly port: number;
  readonly knownHostsFile: string;
  /** Runs a command there, by ssh. */
  ssh(command: string, options?: RunOptions & { readonly user?: string }): Promise<RunResult>;
  /** Waits until ssh lets one in. */
  answers(patience: number): Promise<void>;
  /** And ends. */
  saveSnapshot(name: string): Promise<void>;
}

export async function runningMachine({ image, disk, folder, resume, kernelWords = '' }: MachineOptions): Promise<RunningMachine> {
  const port = await freePort();
  const knownHostsFile = join(folder, 'known_hosts');
  await writeFile(knownHostsFile, `[127.0.0.1]:${port} ${image.hostKey}\n`);
  const console = join(folder, 'console');
  const monitor = join(folder, 'monitor');
  const devices = ['-drive', `file=${disk},if=virtio,format=qcow2,cache=unsafe,discard=unmap`, '-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:22`, '-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci'];
  const args = [...MACHINE, '-append', `${KERNEL} ${kernelWords}`, ...devices, '-kernel', image.kernel, '-initrd', image.initrd, '-serial', `file:${console}`, '-qmp', `unix:${monitor},server=on,wait=off`, ...(resume ? ['-loadvm', image.snapshot] : [])];
  const child = start('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const gone = once(child, 'exit');
  const ssh: RunningMachine['ssh'] = (command, { user = 'root', ...options } = {}) =>
    run('ssh', ['-F', 'none', '-q', '-i', image.keyFile, '-p', String(port), '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', `UserKnownHostsFile=${knownHostsFile}`, `${user}@127.0.0.1`, command], { okStatus: 'any', ...options });
  return {
    port,
    knownHostsFile,
    ssh,
    answers: (patience) => answering(ssh, child, patience).catch(async (error: unknown) => {
      throw new Error(`${said}\n${(await readFile(console, 'utf8').catch(() => '')).slice(-2000)}`, { cause: error });
    }),
    saveSnapshot: async (name) => {
      await tell(monitor, `savevm ${name}`);
      child.kill('SIGTERM'); // it writes what it holds of the disk
      await gone;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function answering(ssh: RunningMachine['ssh'], child: ChildProcess, patience: number): Promise<void> {
  for (const end = Date.now() + patience; (await ssh('true')).status !== 0; await delay(500)) {
    if (child.exitCode !== null) throw new Error('QEMU ended');
    if (Date.now() > end) throw new Error(`ssh did not let in within ${patience / 1000} s`);
  }
}

/** A command of QEMU's human monitor, by its machine protocol. It answers in words when it fails. */
async function tell(socket: string, command: string): Promise<void> {
  const connection = createConnection(socket);
  try {
    const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
    for (const [execute, args] of [['qmp_capabilities', {}], ['human-monitor-command', { 'command-line': command }]] as const) {
      connection.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`QEMU closed its monitor at ${command}`);
        const answer = JSON.parse(value) as { return?: unknown; error?: unknown };
        if (answer.error !== undefined || (typeof answer.return === 'string' && answer.return.trim() !== '')) throw new Error(`${command}: ${value}`);
        if (answer.return !== undefined) break;
      }
    }
  } finally {
    connection.destroy();
  }
}
