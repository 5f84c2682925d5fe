import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeTempFiles, replaceFile } from '../../base/atomicFile.ts';

const entrySchema = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), imageId: z.string() });

/** Digest of a plan's result → the image made of it, in `build-cache/images/`: an all-cached build touches no layer. */
export class ImageCache {
  readonly #folder: string;
  readonly #images = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeTempFiles(this.#folder);
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const parsed = entrySchema.safeParse(await readFile(path, 'utf8').then(JSON.parse).catch(() => undefined));
      if (parsed.success) this.#images.set(parsed.data.key, parsed.data.imageId);
      else await rm(path, { force: true });
    }
  }

  get(key: string): string | undefined {
    return this.#images.get(key);
  }

  async put(key: string, imageId: string): Promise<void> {
    this.#images.set(key, imageId);
    await replaceFile(join(this.#folder, `${key}.json`), JSON.stringify({ key, imageId }));
  }

  /** Forgets images that are gone. */
  async retain(exists: (imageId: string) => Promise<boolean>): Promise<void> {
    for (const [key, imageId] of [...this.#images]) if (!(await exists(imageId))) await this.remove(key);
  }

  async remove(key: string): Promise<void> {
    this.#images.delete(key);
    await rm(join(this.#folder, `${key}.json`), { force: true });
  }
}
