import { constants, mkdirSync } from 'node:fs';
import { mkdir, open, readlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { systemCode } from '../base/errors.ts';
import { makeInside } from './making.ts';
import type { Owner } from '../host/userNamespace.ts';

const MAX_LINKS = 40;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A folder inside a root that others may be changing meanwhile, held open: whatever happens to the names that led to it, it stays the
 * same folder. Every step from a root is one open without following links; links are followed by hand, never out of the root.
 */
export class FolderHandle implements AsyncDisposable {
  /** From the root to this folder. */
  readonly #chain: FileHandle[];

  private constructor(chain: FileHandle[]) {
    this.#chain = chain;
  }

  /** `root` may be a /proc/<pid>/root: then the folders are those that the process sees, its mounts included. */
  static async open(root: string): Promise<FolderHandle> {
    return new FolderHandle([await open(root, constants.O_RDONLY | constants.O_DIRECTORY)]);
  }

  /** For a child process that inherits it. */
  get fd(): number {
    return this.#last.fd;
  }

  /** A path of the host for a name in this folder, good as long as this handle is open. Names with a slash or `..` have no business here. */
  child(name: string): string {
    if (name.includes('/') || name === '..') throw new Error(`not a name: ${name}`);
    return `/proc/self/fd/${this.#last.fd}/${name}`;
  }

  /** The folder at a path below (or, with `/` in front, below the root). With `create` missing ones are made, for that owner. */
  async descend(path: string, options: { readonly create?: { readonly owner: Owner } } = {}): Promise<FolderHandle> {
    const walk = new FolderHandle([await reopen(this.#first)]);
    try {
      if (!path.startsWith('/')) for (const handle of this.#chain.slice(1)) walk.#chain.push(await reopen(handle));
      let pending = parts(path);
      for (let links = 0; pending.length > 0; ) {
        const [name = '', ...rest] = pending;
        pending = rest;
        if (name === '..') {
          if (walk.#chain.length > 1) await walk.#chain.pop()?.close();
          continue;
        }
        const target = await readlink(walk.child(name)).catch(() => undefined);
        if (target === undefined) {
          walk.#chain.push(await openFolder(walk.child(name), options.create));
          continue;
        }
        if (++links > MAX_LINKS) throw Object.assign(new Error(`too many symbolic links in ${path}`), { code: 'ELOOP' });
        if (target.startsWith('/')) for (const handle of walk.#chain.splice(1)) await handle.close();
        pending = [...parts(target), ...rest];
      }
      return walk;
    } catch (error) {
      await walk[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of this.#chain.splice(0)) await handle.close();
  }

  get #last(): FileHandle {
    const last = this.#chain.at(-1);
    if (!last) throw new Error('the folder was closed');
    return last;
  }

  get #first(): FileHandle {
    return this.#chain[0] ?? this.#last;
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function reopen(handle: FileHandle): Promise<FileHandle> {
  return open(`/proc/self/fd/${handle.fd}`, constants.O_RDONLY | constants.O_DIRECTORY);
}

async function openFolder(path: string, create: { readonly owner: Owner } | undefined): Promise<FileHandle> {
  try {
    return await open(path, FOLDER);
  } catch (error) {
    if (!create || systemCode(error) !== 'ENOENT') throw error;
    await makeInside(create.owner, path, { now: () => mkdirSync(path, { mode: 0o755 }), later: () => mkdir(path, { mode: 0o755 }) });
    const made = await open(path, FOLDER);
    const { uid, gid } = create.owner;
    if (uid !== 0 || gid !== 0) await made.chown(uid, gid);
    return made;
  }
}
