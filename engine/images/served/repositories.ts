import { join } from 'node:path';
import { z } from 'zod';
import { digestSchema } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import { KeyedMutex } from '../../base/keyedMutex.ts';
import type { Log } from '../../base/log.ts';
import { readJsonFile, writeJsonFile } from '../../state/jsonFile.ts';

const manifestSchema = z.object({
  mediaType: z.string(),
  size: z.number(),
  /** What it names: blobs and manifests that stay as long as it does. */
  needs: z.array(digestSchema),
  subject: digestSchema.optional(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  pushed: z.number(),
});
export type PushedManifest = z.infer<typeof manifestSchema>;

const repositorySchema = z.object({
  /** `imageId`: the image that was made of it here; the tag holds as long as the image has the name. */
  tags: z.record(z.string(), z.object({ digest: digestSchema, imageId: digestSchema.optional() })),
  manifests: z.record(digestSchema, manifestSchema),
  /** What was uploaded or mounted here: when (milliseconds since 1970). Another repository's blobs are not this one's. */
  blobs: z.record(digestSchema, z.number()).optional(),
});
export type PushedRepository = z.infer<typeof repositorySchema>;

/** What was pushed, by repository: `<folder>/repositories.json`. */
export class Repositories {
  readonly #path: string;
  readonly #log: Log;
  readonly #mutex = new KeyedMutex();
  #all: Record<string, PushedRepository> = {};

  constructor(folder: string, log: Log) {
    this.#path = join(folder, 'repositories.json');
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#all = (await readJsonFile(this.#path, z.record(z.string(), repositorySchema), this.#log)) ?? {};
  }

  /** Those with a manifest. */
  get names(): string[] {
    return Object.keys(this.#all).filter((name) => Object.keys(this.#all[name]?.manifests ?? {}).length > 0);
  }

  /** Those in which only blobs have arrived, too. */
  get all(): string[] {
    return Object.keys(this.#all);
  }

  /** Whether a blob was pushed to this repository; those of a manifest were, where nothing else is known. */
  hasBlob(name: string, digest: Digest): boolean {
    const { blobs, manifests } = this.get(name) ?? { manifests: {} };
    if (blobs) return Object.hasOwn(blobs, digest);
    return Object.values(manifests).some(({ needs }) => needs.includes(digest));
  }

  get(name: string): PushedRepository | undefined {
    return Object.hasOwn(this.#all, name) ? this.#all[name] : undefined;
  }

  /** Changes one repository in one atomic step; one that is empty then is gone. */
  async update(name: string, change: (repository: PushedRepository) => PushedRepository): Promise<void> {
    await this.#mutex.run('all', async () => {
      const changed = change(this.get(name) ?? { tags: {}, manifests: {}, blobs: {} });
      const next = { ...this.#all, [name]: changed };
      if (Object.keys(changed.manifests).length === 0 && Object.keys(changed.blobs ?? {}).length === 0) delete next[name];
      await writeJsonFile(this.#path, next);
      this.#all = next;
    });
  }

  /** Everything that a manifest names, the manifests themselves, and what was pushed for one to come. */
  needed(): Set<Digest> {
    return new Set(Object.values(this.#all).flatMap(({ manifests, blobs = {} }) => [...Object.entries(manifests).flatMap(([digest, { needs }]) => [digest, ...needs]), ...Object.keys(blobs)]));
  }
}

/** When the blobs of a repository came, also of one that was written before that was kept. */
export function blobsOf({ blobs, manifests }: PushedRepository): Readonly<Record<Digest, number>> {
  return blobs ?? Object.fromEntries(Object.values(manifests).flatMap(({ needs, pushed }) => needs.map((digest) => [digest, pushed])));
}
