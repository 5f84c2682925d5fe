import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { algorithmOf, blobFile, digestAlgorithms, digestOf, digestOfFile } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import { removeTempFiles, syncFolder, writeFileAtomic } from '../../base/atomicFile.ts';
import { blobUnknown } from './errors.ts';

/** What clients pushed to the registry, as they pushed it, in `<folder>/blobs/<algorithm>`: a manifest's digest rests on these very bytes. */
export class BlobPool {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, 'blobs');
  }

  async load(): Promise<void> {
    for (const algorithm of digestAlgorithms) {
      await mkdir(join(this.#folder, algorithm), { recursive: true, mode: 0o700 });
      await removeTempFiles(join(this.#folder, algorithm));
    }
  }

  /** Bytes; `undefined`: it is not here. */
  async size(digest: Digest): Promise<number | undefined> {
    return (await stat(this.#path(digest)).catch(() => undefined))?.size;
  }

  /** Bytes `start` to `end`, both included. */
  open(digest: Digest, start: number, end: number): Readable {
    return end < start ? Readable.from([]) : createReadStream(this.#path(digest), { start, end, highWaterMark: 1024 * 1024 });
  }

  async read(digest: Digest): Promise<Buffer> {
    return readFile(this.#path(digest)).catch((error: unknown) => {
      throw blobUnknown({ digest }, { cause: error });
    });
  }

  /** `like`: its digest is of this one's algorithm. */
  async put(bytes: Buffer, like?: Digest): Promise<Digest> {
    const digest = digestOf(bytes, like);
    if ((await this.size(digest)) === undefined) await writeFileAtomic(this.#path(digest), bytes);
    return digest;
  }

  /** Takes a file over whose bytes have this digest. */
  async adopt(file: string, digest: Digest): Promise<void> {
    const handle = await open(file, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(file, this.#path(digest));
    await syncFolder(join(this.#folder, algorithmOf(digest)));
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }

  /** Digests of blobs that have not changed since a time (milliseconds since 1970). */
  async olderThan(time: number): Promise<Digest[]> {
    const found: Digest[] = [];
    for (const algorithm of digestAlgorithms) {
      for (const name of await readdir(join(this.#folder, algorithm))) {
        const digest = digestOfFile(algorithm, name);
        const changed = digest === undefined ? undefined : (await stat(this.#path(digest)).catch(() => undefined))?.mtimeMs;
        if (digest !== undefined && changed !== undefined && changed < time) found.push(digest);
      }
    }
    return found;
  }

  #path(digest: Digest): string {
    return join(this.#folder, blobFile(digest));
  }
}
