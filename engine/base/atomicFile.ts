import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const TEMP = /^\.tmp-[0-9a-f]{12}-/;

/**
 * Replaces `path` whole: temp file beside it, fsync, rename, fsync of the folder. A crash leaves the old or the new
 * content and at most a `.tmp-…` file, which `removeTempFiles` clears at the next start.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temp = tempBeside(path);
  try {
    const file = await open(temp, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * The same without waiting for the disk: when the host's power goes, the file may be the old one, empty or gone. For what costs time only, and whose
 * readers take what is damaged for absent.
 */
export async function replaceFile(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temp = tempBeside(path);
  try {
    await writeFile(temp, data, { flag: 'wx', mode });
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

function tempBeside(path: string): string {
  return join(dirname(path), `.tmp-${randomBytes(6).toString('hex')}-${basename(path)}`);
}

/** Makes renames and unlinks in `folder` durable; of a file, its content. Windows cannot open folders, and does it by itself. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what `writeFileAtomic` left in `folder` when the process was killed half-way. `of`: of this file only. */
export async function removeTempFiles(folder: string, of?: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.filter((name) => TEMP.test(name) && (of === undefined || name.replace(TEMP, '') === of)).map((name) => rm(join(folder, name), { force: true })));
}
