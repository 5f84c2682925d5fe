import { mkdir, readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeTempFiles, replaceFile } from '../../base/atomicFile.ts';

const entrySchema = z.object({
  /** Digest of the operation and of all that went into it. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** The layer it made; null: it had nothing to change. */
  snapshotId: z.string().nullable(),
  /** RFC 3339, UTC. */
  created: z.string(),
  /** For people. */
  description: z.string(),
  /** Of a copy from another stage, the digest of what was copied. */
  content: z.string().optional(),
  /** Digest of the operation alone: what it made of other files may be much the same. */
  operation: z.string().optional(),
});
export type CacheEntry = z.infer<typeof entrySchema>;

export type UsedCacheEntry = CacheEntry & { readonly lastUsed: number };

/** step key → snapshot, one JSON file each in `build-cache/steps/`; in memory once loaded. */
export class StepCache {
  readonly #folder: string;
  readonly #exists: (snapshotId: string) => boolean;
  readonly #entries = new Map<string, UsedCacheEntry>();
  readonly #replaced = new Set<string>();

  /** `exists`: whether a snapshot is still in the store. */
  constructor(folder: string, exists: (snapshotId: string) => boolean) {
    this.#folder = folder;
    this.#exists = exists;
  }

  /** Loads the index; entries that are damaged or whose snapshot is gone are dropped. */
  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeTempFiles(this.#folder);
    await Promise.all((await readdir(this.#folder)).map((name) => this.#loadEntry(join(this.#folder, name))));
  }

  /** The entry of a key. One whose snapshot has gone meanwhile counts as absent. */
  get(key: string): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.snapshotId !== null && !this.#exists(entry.snapshotId)) {
      this.#entries.delete(key);
      return undefined;
    }
    const now = Date.now();
    this.#entries.set(key, { ...entry, lastUsed: now });
    // Only prune looks at the time: losing it harms nobody.
    if (now - entry.lastUsed > 60_000) utimes(this.#file(key), now / 1000, now / 1000).catch(() => undefined);
    return entry;
  }

  async put(entry: CacheEntry): Promise<void> {
    const before = this.#entries.get(entry.key)?.snapshotId ?? null;
    if (before !== null && before !== entry.snapshotId) this.#replaced.add(before);
    this.#entries.set(entry.key, { ...entry, lastUsed: Date.now() });
    await replaceFile(this.#file(entry.key), JSON.stringify(entry));
  }

  async remove(key: string): Promise<void> {
    this.#entries.delete(key);
    await rm(this.#file(key), { force: true });
  }

  /** The layer that an operation made the last time, whatever it stood on. */
  formerLayer(operation: string): string | undefined {
    const made = this.list().filter((one) => one.operation === operation && one.snapshotId !== null && this.#exists(one.snapshotId));
    return made.sort((a, b) => (a.created < b.created ? -1 : 1)).at(-1)?.snapshotId ?? undefined;
  }

  /** Snapshots that no entry names any more since the last call. */
  takeReplaced(): string[] {
    const still = new Set(this.list().map((entry) => entry.snapshotId));
    const gone = [...this.#replaced].filter((id) => !still.has(id));
    this.#replaced.clear();
    return gone;
  }

  list(): UsedCacheEntry[] {
    return [...this.#entries.values()];
  }

  #file(key: string): string {
    return join(this.#folder, `${key}.json`);
  }

  async #loadEntry(path: string): Promise<void> {
    try {
      const entry = entrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
      if (entry.snapshotId === null || this.#exists(entry.snapshotId)) {
        this.#entries.set(entry.key, { ...entry, lastUsed: (await stat(path)).mtimeMs });
        return;
      }
    } catch {
      // Not an entry of ours, or damaged: below.
    }
    await rm(path, { force: true });
  }
}
