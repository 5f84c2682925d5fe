import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Entries that are removed at once: some tenth of a millisecond for which nothing else has a turn. */
const FEW = 40;

/** Removes a folder with all in it; none is fine. One with little in it goes by a handful of calls: as many trips through the thread pool take milliseconds. */
export async function removeFolder(path: string): Promise<void> {
  if (removeFew(path, { left: FEW })) return;
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** False: something is left, because it is more than a few, or could not be removed. */
function removeFew(path: string, budget: { left: number }): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if ((budget.left -= 1) < 0) return false;
      const below = join(path, entry.name);
      if (!entry.isDirectory()) unlinkSync(below);
      else if (!removeFew(below, budget)) return false;
    }
    rmdirSync(path);
    return true;
  } catch {
    return false; // whoever removes the rest says why it cannot
  }
}
