import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestSchema } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { removeTempFiles } from '../base/atomicFile.ts';
import type { Log } from '../base/log.ts';
import { readJsonFile, writeJsonFile } from '../state/jsonFile.ts';

const recordSchema = z.object({ manifest: digestSchema, layers: z.array(digestSchema), started: z.string() });

/** Milliseconds that layers of a pull which a kill cut short wait for it to be asked for again. */
const PATIENCE = 24 * 3600 * 1000;

/**
 * Which layers belong to pulls that have not ended. A pull that fails or is cancelled takes its layers along; one that a kill of the
 * engine cut short leaves its record, and for a day the layers that were whole stay, so that the next attempt goes on with them.
 */
export class InterruptedPulls {
  readonly #folder: string;
  readonly #log: Log;
  readonly #running = new Map<Digest, number>();
  readonly #left = new Map<Digest, readonly Digest[]>();

  constructor(dataRoot: string, log: Log) {
    this.#folder = join(dataRoot, 'pulls');
    this.#log = log;
  }

  async load(now = Date.now()): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeTempFiles(this.#folder);
    this.#left.clear();
    for (const name of await readdir(this.#folder)) {
      const record = await readJsonFile(join(this.#folder, name), recordSchema, this.#log);
      if (record && now - Date.parse(record.started) < PATIENCE) this.#left.set(record.manifest, record.layers);
      else await rm(join(this.#folder, name), { force: true });
    }
  }

  /** The layers that pulls before this engine have left. */
  layers(): ReadonlySet<Digest> {
    return new Set([...this.#left.values()].flat());
  }

  /** Runs the work of a pull; its record is there meanwhile. */
  async during<T>(manifest: Digest, layers: readonly Digest[], work: () => Promise<T>): Promise<T> {
    const others = this.#running.get(manifest) ?? 0;
    this.#running.set(manifest, others + 1);
    try {
      if (others === 0) await writeJsonFile(this.#path(manifest), { manifest, layers, started: new Date().toISOString() });
      const result = await work();
      this.#left.delete(manifest);
      return result;
    } finally {
      const left = (this.#running.get(manifest) ?? 1) - 1;
      if (left > 0) this.#running.set(manifest, left);
      else {
        this.#running.delete(manifest);
        if (!this.#left.has(manifest)) await rm(this.#path(manifest), { force: true });
      }
    }
  }

  /** Nobody will go on with them: what a prune says. */
  async forget(): Promise<void> {
    for (const manifest of [...this.#left.keys()]) {
      this.#left.delete(manifest);
      if (!this.#running.has(manifest)) await rm(this.#path(manifest), { force: true });
    }
  }

  #path(manifest: Digest): string {
    return join(this.#folder, `${manifest.slice(manifest.indexOf(':') + 1)}.json`);
  }
}
