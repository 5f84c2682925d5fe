import { open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../base/atomicFile.ts';
import { makeEngineFolder, makeFolders } from '../base/makeFolders.ts';

/** One absolute path a line, the outer before the inner: whoever takes Berth away is a shell script. */
const recordIn = (dataRoot: string): string => join(dataRoot, 'made');

/** Makes a folder with all those above it, outside of the engine's data, and notes which were not there: a purge takes them away again when they are empty. False: it was there. */
export async function makeOutside(dataRoot: string, path: string, mode: number): Promise<boolean> {
  const missing: string[] = [];
  for (let folder = path; folder !== '/' && !(await exists(folder)); folder = dirname(folder)) missing.unshift(folder);
  if (missing.length === 0) return false;
  await addLines(recordIn(dataRoot), missing); // before: what is noted and was not made harms nobody
  await makeFolders(path, mode);
  return true;
}

/** Makes the data folder itself. What was made above it is noted as by `makeOutside`. */
export async function makeDataRoot(dataRoot: string): Promise<void> {
  const first = await makeEngineFolder(dataRoot, 'BERTH_DATA_ROOT');
  const above: string[] = [];
  if (first !== undefined) for (let folder = dirname(dataRoot); folder.length >= first.length; folder = dirname(folder)) above.unshift(folder);
  if (above.length > 0) await addLines(recordIn(dataRoot), above);
}

/** Adds paths to such a file, durably. A path with a line break is left out. */
export async function addLines(file: string, paths: readonly string[]): Promise<void> {
  const lines = paths.filter((path) => !path.includes('\n')).map((path) => `${path}\n`).join('');
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.write(lines);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(file));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
