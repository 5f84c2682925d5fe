import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { removeTempFiles, syncFolder, writeFileAtomic } from '../../base/atomicFile.ts';
import { digestOf } from '../../content/contentStore.ts';
import type { Digest } from '../../content/oci.ts';
import { blobUnknown } from './errors.ts';

/** What clients pushed to the registry, as they pushed it, in `<folder>/blobs/sha256`: a manifest's digest rests on these very bytes. */
export class BlobPool {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, 'blobs', 'sha256');
  }

  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeTempFiles(this.#folder);
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

  async put(bytes: Buffer): Promise<Digest> {
    const digest = digestOf(bytes);
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
    await syncFolder(this.#folder);
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }

  /** Digests of blobs that have not changed since a time (milliseconds since 1970). */
  async olderThan(time: number): Promise<Digest[]> {
    const found: Digest[] = [];
    for (const name of await readdir(this.#folder)) {
      const digest: Digest = `sha256:${name}`;
      const changed = (await stat(this.#path(digest)).catch(() => undefined))?.mtimeMs;
      if (changed !== undefined && changed < time && /^[0-9a-f]{64}$/.test(name)) found.push(digest);
    }
    return found;
  }

  #path(digest: Digest): string {
    return join(this.#folder, digest.slice('sha256:'.length));
  }
}
