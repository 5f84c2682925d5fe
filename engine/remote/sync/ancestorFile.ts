import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import type { Entry } from '../../base/sync/entry.ts';
import { scanReplySchema } from '../../base/sync/messages.ts';
import { packZstd, unpackZstd } from '../../base/zstd.ts';


const fileSchema = z.object({ remote: z.string(), entries: scanReplySchema.shape.changes });

/**
 * What both sides had when they were last equal, on disk. It is written only after both sides' disks have it: an older one costs at most a copy too many
 * after a crash, a newer one would take for a change what a crash undid.
 */
export class AncestorFile {
  readonly #path: string;
  /** The other folder it is about. */
  readonly #remote: string;

  constructor(path: string, remote: string) {
    this.#path = path;
    this.#remote = remote;
  }

  /** Absent or damaged: nothing is known, and what differs is kept twice. */
  async load(): Promise<Map<string, Entry>> {
    try {
      const { remote, entries } = fileSchema.parse(JSON.parse((await unpackZstd(await readFile(this.#path))).toString('utf8')));
      if (remote === this.#remote) return new Map(entries.flatMap(([path, entry]) => (entry === null ? [] : [[path, entry] as const])));
    } catch {
      // as said
    }
    return new Map();
  }

  async save(ancestor: ReadonlyMap<string, Entry>): Promise<void> {
    await writeFileAtomic(this.#path, await packZstd(Buffer.from(JSON.stringify({ remote: this.#remote, entries: [...ancestor] }))));
  }
}
