import { join } from 'node:path';
import { z } from 'zod';
import { digestSchema } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { readJsonFile, writeJsonFile } from '../state/jsonFile.ts';

const packedSchema = z.record(digestSchema, z.object({ digest: digestSchema, size: z.number().int().nonnegative() }));

/** A layer's tar as gzip, which we have made before but not kept. */
export interface PackedLayer {
  readonly digest: Digest;
  readonly size: number;
}

/** What layers are once they are compressed: a registry that has such a blob need not be sent it again. In `<data root>/packed-layers.json`; losing it costs work only. */
export class PackedLayers {
  readonly #path: string;
  readonly #log: Log;
  readonly #mutex = new KeyedMutex();
  #known: Map<Digest, PackedLayer> | undefined;

  constructor(dataRoot: string, log: Log) {
    this.#path = join(dataRoot, 'packed-layers.json');
    this.#log = log;
  }

  get(diffId: Digest): Promise<PackedLayer | undefined> {
    return this.#mutex.run('known', async () => (await this.#load()).get(diffId));
  }

  /** `isHere`: which layers there are still; the others are forgotten. */
  remember(diffId: Digest, packed: PackedLayer, isHere: (diffId: Digest) => boolean): Promise<void> {
    return this.#mutex.run('known', async () => {
      const known = await this.#load();
      if (known.get(diffId)?.digest === packed.digest) return;
      known.set(diffId, packed);
      for (const other of [...known.keys()]) if (!isHere(other)) known.delete(other);
      await writeJsonFile(this.#path, Object.fromEntries(known));
    });
  }

  async #load(): Promise<Map<Digest, PackedLayer>> {
    this.#known ??= new Map(Object.entries((await readJsonFile(this.#path, packedSchema, this.#log)) ?? {}));
    return this.#known;
  }
}
