import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defineError, systemCode } from './errors.ts';

export const engineFolderUnusable = defineError<{ path: string; reason: string; variable: string }>('ENGINE_FOLDER_UNUSABLE', 500, (p) => `Berth cannot keep its files in ${p.path}: ${p.reason}. Let this user write there, or set ${p.variable} to a folder where it may.`);

/**
 * Makes a folder and all above it that are missing, as `mkdir` with `recursive` does, which never comes to an end where folders cannot be made (/proc).
 * Returns the outermost one that was made; `undefined`: all were there.
 */
export async function makeFolders(path: string, mode: number): Promise<string | undefined> {
  const missing: string[] = [];
  for (let folder = path; !(await isThere(folder)); folder = dirname(folder)) missing.unshift(folder);
  let first: string | undefined;
  for (const folder of missing) {
    try {
      await mkdir(folder, mode);
      first ??= folder;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error; // another process made it
    }
  }
  return first;
}

/** Throws ENOTDIR where something else is in the way. */
async function isThere(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
  await stat(`${path}/.`);
  return true;
}

/** A folder where the engine keeps its own things. `variable`: what names another. Throws ENGINE_FOLDER_UNUSABLE. */
export async function makeEngineFolder(path: string, variable: string): Promise<string | undefined> {
  try {
    const made = await makeFolders(path, 0o700);
    await access(path, constants.W_OK | constants.X_OK);
    return made;
  } catch (error) {
    throw asFolderError(error, path, variable);
  }
}

/** What went wrong in such a folder. A full disk stays one. */
export function asFolderError(error: unknown, path: string, variable: string): unknown {
  const code = systemCode(error) ?? '';
  return code in reasons ? engineFolderUnusable({ path, reason: reasons[code] ?? code, variable }, { cause: error }) : error;
}

const reasons: Readonly<Record<string, string | undefined>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a file is in the way',
  ELOOP: 'a link there leads in a circle',
  ENAMETOOLONG: 'the path is too long',
};
