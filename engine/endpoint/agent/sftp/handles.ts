import { closeSync, opendirSync } from 'node:fs';
import type { Dir } from 'node:fs';
import { systemError } from '../insideRoot.ts';
import type { InsideRoot, Place } from '../insideRoot.ts';

/** OpenSSH's own limit is that of its open files. */
export const MAX_HANDLES = 512;

export interface OpenFolder {
  readonly place: Place;
  readonly entries: Dir;
  /** `.` and `..` come first, as from readdir(3). */
  begun: boolean;
}

/** What the client has open, by number. */
export class Handles {
  readonly #files = new Map<number, number>();
  readonly #folders = new Map<number, OpenFolder>();
  #next = 0;

  addFile(fd: number): number {
    if (this.#full) {
      closeSync(fd);
      throw systemError('EMFILE', 'too many open handles');
    }
    this.#files.set(this.#next, fd);
    return this.#next++;
  }

  openFolder(inside: InsideRoot, path: string): number {
    if (this.#full) throw systemError('EMFILE', 'too many open handles');
    const place = inside.find(path, true);
    try {
      if (place.stats && !place.stats.isDirectory()) throw systemError('ENOTDIR', path);
      this.#folders.set(this.#next, { place, entries: opendirSync(place.object, { encoding: 'latin1' }), begun: false });
      return this.#next++;
    } catch (error) {
      place[Symbol.dispose]();
      throw error;
    }
  }

  /** The file descriptor behind a handle. Throws EBADF. */
  file(handle: Buffer): number {
    const fd = this.#files.get(numberOf(handle));
    if (fd === undefined) throw systemError('EBADF', 'no such handle');
    return fd;
  }

  folder(handle: Buffer): OpenFolder {
    const folder = this.#folders.get(numberOf(handle));
    if (!folder) throw systemError('EBADF', 'no such handle');
    return folder;
  }

  close(handle: Buffer): void {
    const number = numberOf(handle);
    const fd = this.#files.get(number);
    const folder = this.#folders.get(number);
    if (fd === undefined && !folder) throw systemError('EBADF', 'no such handle');
    this.#files.delete(number);
    this.#folders.delete(number);
    if (fd !== undefined) closeSync(fd);
    folder?.entries.closeSync();
    folder?.place[Symbol.dispose]();
  }

  get #full(): boolean {
    return this.#files.size + this.#folders.size >= MAX_HANDLES;
  }
}

function numberOf(handle: Buffer): number {
  return handle.length === 4 ? handle.readUInt32BE() : -1;
}
