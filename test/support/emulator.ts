import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CleanupStack } from '../../engine/base/cleanup.ts';
import { shortRandom } from '../../engine/base/ids.ts';
import { run } from '../../engine/host/process.ts';

/** As in Debian's binfmt.d/qemu-aarch64.conf. */
const MAGIC = '\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00';
const MASK = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff';

/** Has the kernel start QEMU for programs of arm64, also in containers, until it is disposed. The kernel has one list for the whole machine: the name is nobody else's. */
export async function arm64Emulator(): Promise<AsyncDisposable> {
  await using undo = new CleanupStack();
  const name = `berth-test-${shortRandom()}`;
  const folder = await mkdtemp(join(tmpdir(), 'berth-binfmt-'));
  undo.defer(() => rm(folder, { recursive: true }));
  await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', folder]);
  undo.defer(async () => void (await run('umount', [folder])));
  await writeFile(join(folder, 'register'), `:${name}:M::${MAGIC}:${MASK}:/usr/bin/qemu-aarch64-static:FOC`);
  undo.defer(() => writeFile(join(folder, name), '-1'));
  const kept = undo.move();
  return { [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

/** A program for arm64 Linux that stands alone: it writes `/made` into the file /made. */
export function arm64Program(): Buffer {
  const code = [0x92800c60, 0x10000181, 0xd2804822, 0xd2803483, 0xd2800708, 0xd4000001, 0x100000e1, 0xd28000a2, 0xd2800808, 0xd4000001, 0xd2800000, 0xd2800ba8, 0xd4000001];
  const text = Buffer.concat([...code.map((word) => uint32(word)), Buffer.from('/made\0')]);
  const size = 120 + text.length;
  const head = Buffer.alloc(120);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(183, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(0x400078n, 24);
  head.writeBigUInt64LE(64n, 32);
  [64, 56, 1].forEach((value, index) => head.writeUInt16LE(value, 52 + 2 * index));
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  [0n, 0x400000n, 0x400000n, BigInt(size), BigInt(size), 0x10000n].forEach((value, index) => head.writeBigUInt64LE(value, 72 + 8 * index));
  return Buffer.concat([head, text]);
}

function uint32(word: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(word);
  return bytes;
}
