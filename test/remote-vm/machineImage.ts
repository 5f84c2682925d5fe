import { createHash } from 'node:crypto';
import { existsSync, openSync, closeSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { shortRandom } from '../../engine/base/ids.ts';
import { run, start } from '../../engine/host/process.ts';
import { CUSTOMIZE, INITRAMFS, PACKAGES } from './machineScripts.ts';
import { MACHINE, runningMachine } from './runningMachine.ts';

const cache = resolve(import.meta.dirname, '../../.cache/remote-vm');

/** What machines are made of: files in a folder of the cache, made once and never written to. */
export interface MachineImage {
  /** The root file system: ext4, no partitions. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Differences to `disk`, and the memory of the machine when systemd had started everything, as a snapshot of this name. */
  readonly booted: string;
  readonly snapshot: string;
  /** Private key of root and dev. */
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
}

/** The image by what goes into it; made when it is not there (some minutes), and then older ones are removed. */
export async function machineImage(say: (line: string) => void = () => undefined): Promise<MachineImage> {
  const key = createHash('sha256').update(JSON.stringify([PACKAGES, INITRAMFS, CUSTOMIZE, MACHINE])).digest('hex').slice(0, 16);
  const folder = join(cache, key);
  if (!existsSync(folder)) await makeImage(folder, say);
  return imageIn(folder);
}

async function imageIn(folder: string): Promise<MachineImage> {
  const hostKey = (await readFile(join(folder, 'host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ').trim();
  return { disk: join(folder, 'disk.raw'), kernel: join(folder, 'vmlinux'), initrd: join(folder, 'initrd'), booted: join(folder, 'booted.qcow2'), snapshot: 'booted', keyFile: join(folder, 'id'), hostKey };
}

async function makeImage(folder: string, say: (line: string) => void): Promise<void> {
  await using undo = new CleanupStack();
  const temp = join(cache, `.tmp-${shortRandom(6)}`);
  undo.defer(() => rm(temp, { recursive: true, force: true }));
  await mkdir(temp, { recursive: true, mode: 0o700 });
  for (const file of ['id', 'host_key']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(temp, file)]);
  say('Installing Debian and its kernel into a folder …');
  const root = join(temp, 'root');
  await makeRoot(root, temp);
  say('Making the disk …');
  await makeDisk(root, temp);
  await rm(root, { recursive: true, force: true });
  say('Starting it once, until systemd has started everything …');
  await makeSnapshot(await imageIn(temp));
  for (const name of await readdir(cache)) if (!name.startsWith('.')) await rm(join(cache, name), { recursive: true, force: true });
  await rename(temp, folder);
}

async function makeRoot(root: string, temp: string): Promise<void> {
  for (const [name, text] of [['initramfs', INITRAMFS], ['customize', CUSTOMIZE]] as const) await writeFile(join(temp, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const leaveOut = ['man', 'doc', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const hooks = [`--essential-hook=${temp}/initramfs "$1"`, `--customize-hook=${temp}/customize "$1" ${temp}`];
  await run('mmdebstrap', ['--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`, '--aptopt=APT::Install-Recommends "false"', ...leaveOut, '--dpkgopt=force-unsafe-io', ...hooks, '--format=directory', '--quiet', 'bookworm', root]);
}

async function makeDisk(root: string, temp: string): Promise<void> {
  const boot = join(root, 'boot');
  const named = async (prefix: string): Promise<string> => join(boot, (await readdir(boot)).find((name) => name.startsWith(prefix)) ?? prefix);
  await copyFile(await named('initrd.img-'), join(temp, 'initrd'));
  await extractKernel(await named('vmlinuz-'), join(temp, 'vmlinux'));
  const disk = join(temp, 'disk.raw');
  await writeFile(disk, '');
  await truncate(disk, 6 * 1024 ** 3);
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'root', '-E', 'root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1', '-d', root, disk]);
  await chmod(disk, 0o400);
}

const LZ4 = Buffer.from([0x02, 0x21, 0x4c, 0x18]);

/** Unpacked here, the kernel need not unpack itself under emulation. */
async function extractKernel(from: string, to: string): Promise<void> {
  const bytes = await readFile(from);
  // The header is that of the kernel's boot protocol for x86: how many sectors come first, and where in the rest the packed kernel is; its last four bytes are its unpacked size.
  const begin = ((bytes[0x1f1] || 4) + 1) * 512 + bytes.readUInt32LE(0x248);
  const packed = bytes.subarray(begin, begin + bytes.readUInt32LE(0x24c) - 4);
  if (!packed.subarray(0, LZ4.length).equals(LZ4)) throw new Error(`${from} is not packed by lz4 any more: unpack it another way`);
  const out = openSync(to, 'w', 0o600);
  try {
    const lz4 = start('lz4', ['-d', '-c'], { stdio: ['pipe', out, 'inherit'] });
    lz4.stdin?.on('error', () => undefined); // its status tells
    lz4.stdin?.end(packed);
    const [status] = (await once(lz4, 'exit')) as [number | null];
    if (status !== 0) throw new Error(`lz4 could not unpack the kernel in ${from}`);
  } finally {
    closeSync(out);
  }
}

async function makeSnapshot(image: MachineImage): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image.disk, image.booted]);
  await using machine = await runningMachine({ image, disk: image.booted, folder: join(image.booted, '..'), resume: false });
  await machine.answers(300_000);
  const { stdout } = await machine.ssh('systemctl is-system-running --wait; sync');
  if (stdout.trim() !== 'running') throw new Error(`systemd says ${stdout}: ${(await machine.ssh('systemctl --failed --no-legend')).stdout}`);
  await machine.saveSnapshot(image.snapshot);
}
