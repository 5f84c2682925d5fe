import { readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { systemCode } from '../../base/errors.ts';

const MOST_LINKS = 40;

/**
 * Where `path` leads when `root` is `/`: symbolic links are followed, each within the root, so the result never lies
 * outside it. Parts that do not exist stay as they are. Of several roots, each lies on top of those behind it.
 * Returns the path relative to the root (`''` for the root itself).
 */
export async function resolveInRoot(root: string | readonly string[], path: string): Promise<string> {
  const roots = typeof root === 'string' ? [root] : root;
  let done: string[] = [];
  const todo = names(path);
  let links = 0;
  while (todo.length > 0) {
    const name = todo.shift() ?? '';
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = await readLink(roots.map((top) => join(top, ...done, name)));
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

/** Where the topmost of these leads, if it is a link. */
async function readLink(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      return await readlink(path);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EINVAL') return undefined;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}

/** The last name of a path; '' for the root. */
export function lastName(path: string): string {
  return path === '' ? '' : posix.basename(path);
}
