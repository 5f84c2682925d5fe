import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes of the files below a folder, links not followed. Files that vanish meanwhile count as nothing. */
export async function folderSize(folder: string): Promise<number> {
  let total = 0;
  const pending = [folder];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true }).catch(() => [])) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else total += (await lstat(path).catch(() => undefined))?.size ?? 0;
    }
  }
  return total;
}
