import { lstat, mkdir } from 'node:fs/promises';
import { runtimeFolderUnsafe } from './errors.ts';

/**
 * Makes a folder for this user alone, in a place where others may write too (/tmp): whoever made it first could otherwise put a socket of
 * theirs there for us to talk to. Throws RUNTIME_FOLDER_UNSAFE.
 */
export async function makePrivateFolder(path: string, uid: number): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const info = await lstat(path);
  const reason = !info.isDirectory() ? 'it is not a folder' : info.uid !== uid ? `it belongs to uid ${info.uid}` : (info.mode & 0o077) !== 0 ? `others may use it (mode ${(info.mode & 0o777).toString(8)})` : undefined;
  if (reason !== undefined) throw runtimeFolderUnsafe({ path, reason });
}
