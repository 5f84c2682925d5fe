import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { devContainerNotFound, workspaceFolderNotFound } from '../errors.ts';

/** The folder's path without symbolic links and trailing slashes. Throws WORKSPACE_FOLDER_NOT_FOUND. */
export async function realFolder(folder: string): Promise<string> {
  try {
    const path = await realpath(folder);
    if ((await stat(path)).isDirectory()) return path;
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) throw error;
  }
  throw workspaceFolderNotFound({ folder });
}

/**
 * The dev container definition of a folder: the one asked for (absolute, or relative to the folder), else the first of the
 * two standard places, else the only one in a folder of its own. Throws DEVCONTAINER_NOT_FOUND, naming what there is to choose.
 */
export async function findConfig(folder: string, asked?: string): Promise<string> {
  if (asked !== undefined) {
    const path = isAbsolute(asked) ? asked : resolve(folder, asked);
    if (await isFile(path)) return path;
    throw devContainerNotFound({ folder, looked: path });
  }
  const standard = [join(folder, '.devcontainer', 'devcontainer.json'), join(folder, '.devcontainer.json')];
  for (const path of standard) if (await isFile(path)) return path;
  const named = await namedConfigs(folder);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const looked = named.length > 1 ? `one of several; choose with --config: ${named.join(', ')}` : `${standard.join(', ')} and .devcontainer/*/devcontainer.json`;
  throw devContainerNotFound({ folder, looked });
}

/** `.devcontainer/<name>/devcontainer.json`, by name. */
async function namedConfigs(folder: string): Promise<string[]> {
  const own = join(folder, '.devcontainer');
  const names = await readdir(own).catch(() => []);
  const paths = names.sort().map((name) => join(own, name, 'devcontainer.json'));
  const found = await Promise.all(paths.map(isFile));
  return paths.filter((_, index) => found[index]);
}

/** The text of a definition. Throws DEVCONTAINER_NOT_FOUND when it went away meanwhile. */
export async function readConfig(folder: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw devContainerNotFound({ folder, looked: file }, { cause: error });
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}
