import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Digester, algorithmOf } from '../../content/digest.ts';
import type { Digest, DigestAlgorithm } from '../../content/digest.ts';
import { newId } from '../../base/ids.ts';
import { KeyedMutex } from '../../base/keyedMutex.ts';
import type { BlobPool } from './blobPool.ts';
import { digestInvalid, uploadInvalid, uploadUnknown } from './errors.ts';

/** Milliseconds after which an upload that nobody goes on with is dropped. */
const PATIENCE = 24 * 3600 * 1000;

interface Upload {
  /** By the algorithm that the client spoke of at the beginning; most are of the usual one. */
  readonly hash: Digester;
  size: number;
}

/** Uploads that have begun, each a file that grows. They survive the engine: a client goes on where the file ends. */
export class Uploads {
  readonly #folder: string;
  readonly #pool: BlobPool;
  readonly #mutex = new KeyedMutex();
  readonly #known = new Map<string, Upload>();

  constructor(folder: string, pool: BlobPool) {
    this.#folder = join(folder, 'uploads');
    this.#pool = pool;
  }

  async load(now = Date.now()): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) if (now - (await stat(this.#path(name))).mtimeMs > PATIENCE) await rm(this.#path(name), { force: true });
  }

  async begin(algorithm?: DigestAlgorithm): Promise<string> {
    const id = newId();
    await (await open(this.#path(id), 'wx', 0o600)).close();
    this.#known.set(id, { hash: new Digester(algorithm), size: 0 });
    return id;
  }

  /** Bytes that are here. Throws BLOB_UPLOAD_UNKNOWN. */
  async size(id: string): Promise<number> {
    return (await this.#find(id)).size;
  }

  /** Appends; what came before a connection broke stays. `from`: where the client believes to be. Returns the size. Throws BLOB_UPLOAD_INVALID. */
  append(id: string, body: AsyncIterable<Buffer>, from: number | undefined): Promise<number> {
    return this.#mutex.run(id, async () => {
      const upload = await this.#find(id);
      if (from !== undefined && from !== upload.size) throw uploadInvalid({ detail: `it has ${upload.size} bytes, and a chunk begins at ${from}`, at: upload.size });
      const file = await open(this.#path(id), 'a');
      try {
        for await (const chunk of body) {
          await file.writeFile(chunk);
          upload.hash.update(chunk);
          upload.size += chunk.length;
        }
      } finally {
        await file.close();
      }
      return upload.size;
    });
  }

  /** Ends an upload: its bytes become a blob. Throws DIGEST_INVALID; the upload is gone then, as the specification has it. */
  finish(id: string, digest: Digest): Promise<void> {
    return this.#mutex.run(id, async () => {
      const { hash } = await this.#find(id);
      const found = algorithmOf(digest) === hash.algorithm ? hash.digest() : await digestOfContent(this.#path(id), algorithmOf(digest));
      this.#known.delete(id);
      if (found === digest) return this.#pool.adopt(this.#path(id), digest);
      await rm(this.#path(id), { force: true });
      throw digestInvalid({ detail: `${digest} was said, ${found} came` });
    });
  }

  /** Throws BLOB_UPLOAD_UNKNOWN. */
  cancel(id: string): Promise<void> {
    return this.#mutex.run(id, async () => {
      await this.#find(id);
      this.#known.delete(id);
      await rm(this.#path(id), { force: true });
    });
  }

  async #find(id: string): Promise<Upload> {
    const known = this.#known.get(id);
    if (known) return known;
    if (!/^[0-9a-f]{64}$/.test(id)) throw uploadUnknown({ id });
    const upload: Upload = { hash: new Digester(), size: 0 };
    try {
      for await (const chunk of createReadStream(this.#path(id)) as AsyncIterable<Buffer>) {
        upload.hash.update(chunk);
        upload.size += chunk.length;
      }
    } catch (error) {
      throw uploadUnknown({ id }, { cause: error });
    }
    this.#known.set(id, upload);
    return upload;
  }

  #path(id: string): string {
    return join(this.#folder, id);
  }
}

async function digestOfContent(path: string, algorithm: DigestAlgorithm): Promise<Digest> {
  const hash = new Digester(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest();
}
