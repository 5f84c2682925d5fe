import { Buffer } from 'node:buffer';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fitsPlatform, formatPlatform, hostPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import { run } from './process.ts';

/** What of an architecture a program that does nothing needs: its number in ELF, and the instructions of `exit(0)`. */
interface Machine {
  readonly number: number;
  readonly bits: 32 | 64;
  readonly bigEndian?: boolean;
  readonly flags?: number;
  readonly code: string;
}

const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: { number: 62, bits: 64, code: '31ffb83c0000000f05' },
  '386': { number: 3, bits: 32, code: '31c04031dbcd80' },
  arm64: { number: 183, bits: 64, code: '000080d2a80b80d2010000d4' },
  arm: { number: 40, bits: 32, flags: 0x05000200, code: '0000a0e30170a0e3000000ef' },
  riscv64: { number: 243, bits: 64, code: '130500009308d00573000000' },
  ppc64le: { number: 21, bits: 64, flags: 2, code: '010000380000603802000044' },
  s390x: { number: 22, bits: 64, bigEndian: true, code: 'a72900000a01' },
};

const able = new Set<string>();

/**
 * Whether programs for a platform run in containers of this host: by themselves, or by an emulator that the kernel starts
 * (binfmt_misc, and for containers with its flag F). It is tried with a program that ends at once, in a root that has nothing else.
 */
export async function runsHere(platform: Platform, tempRoot: string = tmpdir()): Promise<boolean> {
  if (fitsPlatform(platform, hostPlatform())) return true;
  const name = formatPlatform(platform);
  if (able.has(name)) return true;
  const machine = MACHINES[platform.architecture];
  if (platform.os !== 'linux' || !machine) return false;
  await mkdir(tempRoot, { recursive: true });
  const root = await mkdtemp(join(tempRoot, 'runs-here-'));
  try {
    await writeFile(join(root, 'exit'), exitProgram(machine), { mode: 0o755 });
    const { status } = await run('unshare', [`--root=${root}`, '/exit'], { okStatus: 'any' });
    if (status === 0) able.add(name);
    return status === 0;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const BASE = 0x400000;

/** The smallest program of a machine that the kernel takes: one segment, and an exit. */
export function exitProgram({ number, bits, bigEndian = false, flags = 0, code }: Machine): Buffer {
  const wide = bits === 64;
  const [head, row] = wide ? [64, 56] : [52, 32];
  const text = Buffer.from(code, 'hex');
  const file = Buffer.alloc(head + row + text.length);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let at = 16;
  const put = (size: 2 | 4 | 8, values: readonly number[]): void => {
    for (const value of values) {
      if (size === 2) view.setUint16(at, value, !bigEndian);
      else if (size === 4) view.setUint32(at, value, !bigEndian);
      else view.setBigUint64(at, BigInt(value), !bigEndian);
      at += size;
    }
  };
  const long = wide ? 8 : 4;
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, bigEndian ? 2 : 1, 1]);
  put(2, [2, number]);
  put(4, [1]);
  put(long, [BASE + head + row, head, 0]);
  put(4, [flags]);
  put(2, [head, row, 1, 0, 0, 0]);
  // The segment's row: the flags (5: read and run) stand at another place in the wide form.
  put(4, wide ? [1, 5] : [1]);
  put(long, [0, BASE, BASE, file.length, file.length]);
  if (!wide) put(4, [5]);
  put(long, [0x10000]);
  file.set(text, head + row);
  return file;
}
