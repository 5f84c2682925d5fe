import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';

/** Bytes. */
export const SMALL_FILE = 1 << 18;

const buffer = Buffer.allocUnsafe(SMALL_FILE + 1);

/**
 * Copies a small file to a name that is free: read and write take a fifth of the time that copy_file_range does.
 * False, and nothing written: the file is not small.
 */
export function copySmallFile(from: string, to: string): boolean {
  const length = readSmall(from);
  if (length === undefined) return false;
  const file = openSync(to, 'wx', 0o600);
  try {
    for (let done = 0; done < length; ) done += writeSync(file, buffer, done, length - done);
  } finally {
    closeSync(file);
  }
  return true;
}

const other = Buffer.allocUnsafe(SMALL_FILE + 1);

/** Whether two small files have the same content. False for larger ones, too. */
export function sameSmallFiles(one: string, two: string): boolean {
  const first = readSmall(one);
  if (first === undefined) return false;
  buffer.copy(other, 0, 0, first);
  return readSmall(two) === first && buffer.compare(other, 0, first, 0, first) === 0;
}

function readSmall(path: string): number | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let length = 0;
    for (;;) {
      const count = readSync(file, buffer, length, buffer.length - length, null);
      if (count === 0) return length;
      length += count;
      if (length === buffer.length) return undefined;
    }
  } finally {
    closeSync(file);
  }
}
