import { archiveEscapes } from './errors.ts';

/**
 * Holds the paths of one archive to its root. Every component is checked: nothing absolute stays absolute, `..` is refused,
 * and nothing may be written through a symbolic link or a file that the same archive made.
 */
export class LayerPaths {
  readonly #kinds = new Map<string, 'directory' | 'other'>();
  /** Whether some path came twice: the first content is lost then. */
  repeated = false;

  /** The path relative to the root, without `.` and leading slashes; '' is the root itself. Throws ARCHIVE_ESCAPES. */
  normalise(path: string, what = 'leads out of the root'): string {
    if (path.includes('\0')) throw archiveEscapes({ path, detail: 'has a NUL byte in its name' });
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw archiveEscapes({ path, detail: what });
    return parts.join('/');
  }

  /** Notes that `path` (normalised) is made now. Throws ARCHIVE_ESCAPES when a parent is not a directory. */
  claim(path: string, isDirectory: boolean): void {
    this.mustReach(path);
    const known = this.#kinds.get(path);
    if (known !== undefined && !(known === 'directory' && isDirectory)) this.repeated = true;
    if (known === 'directory' && !isDirectory) this.#forgetBelow(path);
    this.#kinds.set(path, isDirectory ? 'directory' : 'other');
  }

  /** Throws ARCHIVE_ESCAPES when a parent of `path` is a link or a file. */
  mustReach(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at);
      if (this.#kinds.get(parent) === 'other') throw archiveEscapes({ path, detail: `would be written through "${parent}", which is not a directory` });
    }
  }

  #forgetBelow(path: string): void {
    for (const other of this.#kinds.keys()) if (other.startsWith(`${path}/`)) this.#kinds.delete(other);
  }
}
