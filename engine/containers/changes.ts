import { lstat, readdir } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';

/** Docker's numbers. */
export const changeKinds = { modified: 0, added: 1, deleted: 2 } as const;

export interface Change {
  /** Absolute, as the container sees it. */
  readonly path: string;
  readonly kind: 0 | 1 | 2;
}

/** Three folders: what the container wrote (an overlay upper directory), what was there before, and what is there now. */
export interface ChangeViews {
  readonly upper: string;
  readonly before: string;
  readonly after: string;
}

/**
 * What a container changed, sorted by path. Only what is in the upper directory is looked at; the two views tell what that
 * means, so whiteouts and opaque directories need no reading.
 */
export async function* listChanges(views: ChangeViews, path = '', wasFolder = true): AsyncGenerator<Change> {
  const [written, had, has] = await Promise.all([names(join(views.upper, path)), wasFolder ? names(join(views.before, path)) : [], names(join(views.after, path))]);
  const now = new Set(has);
  const all = new Set([...written.filter((name) => now.has(name)), ...had.filter((name) => !now.has(name))]);
  for (const name of [...all].sort()) {
    const child = `${path}/${name}`;
    if (!now.has(name)) {
      yield { path: child, kind: changeKinds.deleted };
      continue;
    }
    const [own, old] = await Promise.all([info(join(views.upper, child)), wasFolder ? info(join(views.before, child)) : undefined]);
    if (!own) continue; // gone meanwhile
    yield { path: child, kind: old ? changeKinds.modified : changeKinds.added };
    if (own.isDirectory()) yield* listChanges(views, child, old?.isDirectory() ?? false);
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function info(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}
