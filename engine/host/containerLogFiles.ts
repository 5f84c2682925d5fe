import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { conmonFiles } from './conmon.ts';

/** A container's log: `path`, and behind it `path.1` (what was before), `path.2`, … */

/** The files of a log that are there, the oldest first. */
export async function logFiles(path: string): Promise<Array<{ readonly path: string; readonly inode: number }>> {
  const found: Array<{ path: string; inode: number }> = [];
  for (let number = 0; ; number += 1) {
    const name = number === 0 ? path : `${path}.${number}`;
    const info = await stat(name).catch(() => undefined);
    if (info) found.unshift({ path: name, inode: info.ino });
    else if (number > 0) return found; // between a rename and conmon's answer there is no current one
  }
}

/** Opens the file after the one with this inode, or the oldest; `undefined` if there is none (yet). */
export async function openNextLogFile(path: string, after: number | undefined): Promise<{ readonly file: FileHandle; readonly inode: number } | undefined> {
  for (;;) {
    const files = await logFiles(path);
    const at = files.findIndex(({ inode }) => inode === after);
    const next = files[at + 1];
    if (!next) return undefined;
    try {
      const file = await open(next.path, 'r');
      const { ino } = await file.stat();
      if (ino === next.inode) return { file, inode: ino };
      await file.close(); // the names moved on between the two looks
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * Begins a running container's log anew: the file becomes `path.1` (its older ones move on, at most `keep` stay), and conmon is told to open
 * `path` again. What it writes between the two goes to the end of `path.1`: nothing is lost. False: conmon does not listen, nothing was done.
 */
export async function rotateLog(path: string, bundle: string, keep: number): Promise<boolean> {
  const control = await open(join(bundle, conmonFiles.control), constants.O_WRONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!control) return false;
  try {
    await rm(`${path}.${keep}`, { force: true });
    for (let number = keep - 1; number >= 1; number -= 1) await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(ignoreMissing);
    await rename(path, `${path}.1`);
    await control.write('2 0 0\n');
    return true;
  } finally {
    await control.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}
