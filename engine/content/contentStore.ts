import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { blobFile, digestAlgorithms, digestOf, digestOfFile } from './digest.ts';
import type { Digest } from './digest.ts';
import { removeTempFiles, writeFileAtomic } from '../base/atomicFile.ts';
import { defineError, isFull, systemCode } from '../base/errors.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { readJsonFile } from '../state/jsonFile.ts';
import { indexSchema, manifestSchema, mediaTypes } from './oci.ts';
import type { Descriptor, Index } from './oci.ts';

export const blobMissing = defineError<{ digest: string }>('BLOB_MISSING', 404, (p) => `The store has no blob ${p.digest}. Pull or load the image again.`);
export const digestMismatch = defineError<{ what: string; expected: string; found: string }>('DIGEST_MISMATCH', 502, (p) => `${p.what} is not what its digest says: expected ${p.expected}, found ${p.found}. Nothing of it was kept; try again, and if it stays so, the registry or the archive is damaged.`);

/** Bytes kept for a full disk, at least. */
const RESERVE = 64 * 1024;

/**
 * An OCI image layout: `oci-layout`, `index.json`, `blobs/<algorithm>/…`. It holds manifests and configurations; layers are kept
 * unpacked, as snapshots. Every blob is checked against its digest before it gets its name.
 */
export class ContentStore {
  readonly #root: string;
  readonly #log: Log;
  readonly #mutex = new KeyedMutex();
  #index: Index = { schemaVersion: 2, manifests: [] };

  constructor(dataRoot: string, log: Log) {
    this.#root = join(dataRoot, 'content');
    this.#log = log;
  }

  async load(): Promise<void> {
    await removeTempFiles(this.#root);
    for (const algorithm of digestAlgorithms) {
      await mkdir(join(this.#blobs, algorithm), { recursive: true, mode: 0o755 });
      await removeTempFiles(join(this.#blobs, algorithm));
    }
    if (!existsSync(join(this.#root, 'oci-layout'))) await writeFileAtomic(join(this.#root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n', 0o644);
    const index = await readJsonFile(join(this.#root, 'index.json'), indexSchema, this.#log);
    this.#index = index ?? { schemaVersion: 2, manifests: await this.#manifests() };
    if (!index) await this.#writeIndex(this.#index);
    await this.#keepReserve();
  }

  /** The entries of index.json. */
  get entries(): readonly Descriptor[] {
    return this.#index.manifests;
  }

  /** Changes index.json in one atomic step; changes queue up. One that frees room may use what is set aside for a full disk. */
  async update(change: (entries: readonly Descriptor[]) => readonly Descriptor[], { frees = false }: { readonly frees?: boolean } = {}): Promise<void> {
    await this.#mutex.run('index', async () => {
      const next = { ...this.#index, manifests: [...change(this.#index.manifests)] };
      if (isDeepStrictEqual(next, this.#index)) return; // as when an image gets a name that it has: a build that was done before
      await this.#writeIndex(next).catch(async (error: unknown) => {
        if (!frees || !isFull(error)) throw error;
        await rm(this.#reserve, { force: true });
        await this.#writeIndex(next);
      });
      this.#index = next;
      await this.#keepReserve();
    });
  }

  /** Room for one more index.json, so that an image can be removed when the disk is full. */
  async #keepReserve(): Promise<void> {
    const size = Math.max(RESERVE, 2 * JSON.stringify(this.#index).length);
    const known = await stat(this.#reserve).catch(() => undefined);
    if ((known?.size ?? 0) < size) await writeFileAtomic(this.#reserve, Buffer.alloc(size, 'reserved for a full disk\n')).catch(() => undefined);
  }

  has(digest: Digest): boolean {
    return existsSync(this.#path(digest));
  }

  /** Keeps a blob; throws DIGEST_MISMATCH when it is not the `expected` one. */
  async put(data: string | Uint8Array, expected?: Digest, what = 'A blob'): Promise<{ digest: Digest; size: number }> {
    const bytes = Buffer.from(data);
    const digest = digestOf(bytes, expected);
    if (expected !== undefined && digest !== expected) throw digestMismatch({ what, expected, found: digest });
    // One that is there may have been damaged since: then this is its repair.
    if (!(await this.isWhole(digest))) await writeFileAtomic(this.#path(digest), bytes, 0o644);
    return { digest, size: bytes.length };
  }

  /** A whole blob, checked; throws BLOB_MISSING or DIGEST_MISMATCH. */
  async read(digest: Digest): Promise<Buffer> {
    try {
      const data = await readFile(this.#path(digest));
      const found = digestOf(data, digest);
      if (found !== digest) throw digestMismatch({ what: 'A blob of the store', expected: digest, found });
      return data;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw blobMissing({ digest }, { cause: error });
      throw error;
    }
  }

  /** Whether a blob is here and what its digest says. */
  async isWhole(digest: Digest): Promise<boolean> {
    return this.read(digest).then(() => true, () => false);
  }

  async readJson<T>(digest: Digest, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse((await this.read(digest)).toString('utf8')));
  }

  async list(): Promise<Digest[]> {
    const found = await Promise.all(digestAlgorithms.map(async (algorithm) => (await readdir(join(this.#blobs, algorithm))).flatMap((name) => digestOfFile(algorithm, name) ?? [])));
    return found.flat();
  }

  async delete(digest: Digest): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }

  /** The manifests and indexes among the blobs that no index names: what an index.json that was lost or damaged can be made of again. Names are lost with it. */
  async #manifests(): Promise<Descriptor[]> {
    const all: Descriptor[] = [];
    const parts = new Set<Digest>();
    for (const digest of await this.list()) {
      const data = await this.read(digest).catch(() => undefined);
      if (!data) continue;
      const document = parseJson(data);
      const [index, manifest] = [indexSchema.safeParse(document), manifestSchema.safeParse(document)];
      if (index.success) index.data.manifests.forEach((one) => parts.add(one.digest));
      if (index.success || manifest.success) all.push({ mediaType: index.data?.mediaType ?? manifest.data?.mediaType ?? (index.success ? mediaTypes.ociIndex : mediaTypes.ociManifest), digest, size: data.length });
    }
    const found = all.filter(({ digest }) => !parts.has(digest));
    if (found.length > 0) this.#log.error('index.json was lost: its images are here again, without their names', { images: found.length });
    return found;
  }

  get #reserve(): string {
    return join(this.#root, '.reserve');
  }

  get #blobs(): string {
    return join(this.#root, 'blobs');
  }

  #path(digest: Digest): string {
    return join(this.#blobs, blobFile(digest));
  }

  async #writeIndex(index: Index): Promise<void> {
    await writeFileAtomic(join(this.#root, 'index.json'), `${JSON.stringify({ mediaType: mediaTypes.ociIndex, ...index }, null, 2)}\n`, 0o644);
  }
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
}
