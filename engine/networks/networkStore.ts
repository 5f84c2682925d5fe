import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../base/log.ts';
import { readJsonFolder, removeJsonFile, writeJsonFile } from '../state/jsonFile.ts';

const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  driver: z.enum(['bridge', 'host', 'null']),
  /** Name of the Linux bridge, its network and its address in it; empty for `host` and `none`. */
  bridge: z.string(),
  subnet: z.string(),
  gateway: z.string(),
  /** The same for IPv6; empty: none. */
  subnet6: z.string().default(''),
  gateway6: z.string().default(''),
  /** Where addresses are chosen from; empty: the whole subnet. */
  range: z.string().default(''),
  range6: z.string().default(''),
  /** Addresses of others in the subnets, by name. */
  aux: z.record(z.string(), z.string()).default({}),
  /** Kept for clients; there are no services that it would matter to. */
  attachable: z.boolean().default(false),
  /** No way out of the host. */
  internal: z.boolean(),
  created: z.string(),
  labels: z.record(z.string(), z.string()),
  options: z.record(z.string(), z.string()),
});

export type NetworkRecord = z.infer<typeof recordSchema>;

/** The networks of one engine: `networks/<name>.json` under the data root, all of them in memory. */
export class NetworkStore {
  readonly #folder: string;
  readonly #log: Log;
  #records = new Map<string, NetworkRecord>();

  constructor(dataRoot: string, log: Log) {
    this.#folder = join(dataRoot, 'networks');
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#records = await readJsonFolder(this.#folder, recordSchema, this.#log);
  }

  list(): NetworkRecord[] {
    return [...this.#records.values()];
  }

  byName(name: string): NetworkRecord | undefined {
    return this.#records.get(name);
  }

  /** By name, id, or the beginning of one id only. */
  find(ref: string): NetworkRecord | undefined {
    const exact = this.#records.get(ref) ?? this.list().find(({ id }) => id === ref);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(ref) ? this.list().filter(({ id }) => id.startsWith(ref)) : [];
    return matches.length === 1 ? matches[0] : undefined;
  }

  async save(record: NetworkRecord): Promise<void> {
    await writeJsonFile(join(this.#folder, `${record.name}.json`), record);
    this.#records.set(record.name, record);
  }

  async remove(name: string): Promise<void> {
    await removeJsonFile(join(this.#folder, `${name}.json`));
    this.#records.delete(name);
  }
}
