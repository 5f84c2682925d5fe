import { createHash, hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { breathe } from '../solve/breathe.ts';

const CHUNK = 1 << 18;
const small = Buffer.allocUnsafe(CHUNK);
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** sha256 of a file's content, in hex. Never follows a link in the last place. */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  await breathe(signal);
  return smallFileDigest(path) ?? largeFileDigest(path, signal);
}

/** Of a file that fits the buffer, at once; undefined: it does not. */
function smallFileDigest(path: string): string | undefined {
  const file = openSync(path, FLAGS);
  try {
    let length = 0;
    for (;;) {
      const count = readSync(file, small, length, CHUNK - length, null);
      if (count === 0) return hash('sha256', small.subarray(0, length), 'hex');
      length += count;
      if (length === CHUNK) return undefined;
    }
  } finally {
    closeSync(file);
  }
}

async function largeFileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const file = await open(path, FLAGS);
  try {
    const sum = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK);
      if (bytesRead === 0) return sum.digest('hex');
      sum.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
