import { archiveEscapes, archiveUnsupported } from './errors.ts';
import { shownPath } from './shownPath.ts';

/** What an archive has made at a path so far. */
export type PathKind = 'directory' | 'whiteout' | 'other';

/** Bytes: what Linux takes. A longer name could not be made, and to take it apart would cost. */
const LONGEST_PATH = 4095;
const LONGEST_NAME = 255;

/**
 * Holds the paths of one archive to its root, and knows what is at each of them. Nothing absolute stays absolute, `..` is
 * refused, and nothing is written through a symbolic link or a file that the same archive made.
 */
export class LayerPaths {
  readonly #kinds = new Map<string, PathKind>();
  /** Folders in which the archive has put something. */
  readonly #filled = new Set<string>();

  /** The path relative to the root, without `.` and leading slashes; '' is the root itself. Throws ARCHIVE_ESCAPES. */
  normalise(path: string, what = 'leads out of the root'): string {
    refuseLong(path);
    if (path.includes('\0')) throw archiveEscapes({ path: shownPath(path), detail: 'has a NUL byte in its name' });
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) throw archiveEscapes({ path: shownPath(path), detail: what });
    return parts.join('/');
  }

  kindOf(path: string): PathKind | undefined {
    return path === '' ? 'directory' : this.#kinds.get(path);
  }

  set(path: string, kind: PathKind): void {
    if (!this.#kinds.has(path)) this.#filled.add(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    this.#kinds.set(path, kind);
  }

  /** The folders above `path` that are not there yet, outermost first. Throws ARCHIVE_ESCAPES when one is a link or a file. */
  missingParents(path: string): string[] {
    const missing: string[] = [];
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at);
      const kind = this.#kinds.get(parent);
      if (kind === 'directory') break;
      if (kind === 'other') throw archiveEscapes({ path: shownPath(path), detail: `would be written through "${shownPath(parent)}", which is not a directory` });
      missing.push(parent);
    }
    return missing.reverse();
  }

  hasBelow(path: string): boolean {
    return this.#filled.has(path);
  }
}

/** Throws ARCHIVE_UNSUPPORTED. */
export function refuseLong(path: string): void {
  const fits = path.length <= LONGEST_PATH && (path.length <= LONGEST_NAME || path.split('/').every((name) => name.length <= LONGEST_NAME));
  if (!fits) throw archiveUnsupported({ path: `${shownPath(path.slice(0, 100))}…`, detail: `is longer than Linux allows (${LONGEST_PATH} bytes, ${LONGEST_NAME} a name)` });
}
