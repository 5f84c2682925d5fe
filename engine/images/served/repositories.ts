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

  get names(): string[] {
    return Object.keys(this.#all);
  }

  get(name: string): PushedRepository | undefined {
    return Object.hasOwn(this.#all, name) ? this.#all[name] : undefined;
  }

  /** Changes one repository in one atomic step; one that is empty then is gone. */
  async update(name: string, change: (repository: PushedRepository) => PushedRepository): Promise<void> {
    await this.#mutex.run('all', async () => {
      const next = { ...this.#all, [name]: change(this.get(name) ?? { tags: {}, manifests: {} }) };
      if (Object.keys(next[name]?.manifests ?? {}).length === 0) delete next[name];
      await writeJsonFile(this.#path, next);
      this.#all = next;
    });
  }

  /** Everything that a manifest names, and the manifests themselves. */
  needed(): Set<Digest> {
    return new Set(Object.values(this.#all).flatMap(({ manifests }) => Object.entries(manifests).flatMap(([digest, { needs }]) => [digest, ...needs])));
  }
}
