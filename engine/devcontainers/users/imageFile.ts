import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';

/**
 * A file of an image as text, read from its layers without mounting them; empty when there is none. `folders`: the layers'
 * folders, topmost first. Understands overlay's whiteouts; a symbolic link on the way is not followed (it would lead out of the image).
 */
export async function readImageFile(folders: readonly string[], path: string): Promise<string> {
  const parts = path.split('/').filter((part) => part !== '');
  for (const folder of folders) {
    const found = await look(folder, parts);
    if (found === 'absent') continue;
    return found === 'removed' ? '' : readFile(found.path, 'utf8');
  }
  return '';
}

async function look(folder: string, parts: readonly string[]): Promise<'absent' | 'removed' | { path: string }> {
  let path = folder;
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    let info: Awaited<ReturnType<typeof lstat>>;
    try {
      info = await lstat(path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return 'absent';
      throw error;
    }
    // Overlay's whiteout is a character device 0:0.
    if (info.isCharacterDevice() && (await stat(path)).rdev === 0) return 'removed';
    const isLast = index === parts.length - 1;
    if (isLast ? !info.isFile() : !info.isDirectory()) return 'removed';
  }
  return { path };
}
