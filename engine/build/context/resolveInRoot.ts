import { readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { systemCode } from '../../base/errors.ts';

const MOST_LINKS = 40;

/**
 * Where `path` leads when `root` is `/`: symbolic links are followed, each within the root, so the result never lies
 * outside it. Parts that do not exist stay as they are. `keepLast`: a link in the last place is not followed.
 * Returns the path relative to the root (`''` for the root itself).
 */
export async function resolveInRoot(root: string, path: string, options: { keepLast?: boolean } = {}): Promise<string> {
  let done: string[] = [];
  const todo = names(path);
  let links = 0;
  while (todo.length > 0) {
    const name = todo.shift() ?? '';
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = options.keepLast && todo.length === 0 ? undefined : await readLink(join(root, ...done, name));
    if (target === undefined) {
      done.push(name);
      continue;
    }
    if (++links > MOST_LINKS) throw Object.assign(new Error(`too many levels of symbolic links: ${path}`), { code: 'ELOOP' });
    if (target.startsWith('/')) done = [];
    todo.unshift(...names(target));
  }
  return done.join('/');
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

async function readLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The last name of a path; '' for the root. */
export function lastName(path: string): string {
  return path === '' ? '' : posix.basename(path);
}
