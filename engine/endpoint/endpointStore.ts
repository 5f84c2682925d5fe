import { join } from 'node:path';
import { z } from 'zod';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { generateSshKey } from '../base/sshKey.ts';
import { readJsonFolder, removeJsonFile, writeJsonFile } from '../state/jsonFile.ts';
import { freeName } from './names.ts';

/** More clients than anybody has; the oldest key gives way. */
const MAX_KEYS = 32;

const recordSchema = z.object({
  /** Of its host alias. */
  name: z.string(),
  /** OpenSSH's format, not encrypted: the file is for the engine only. */
  hostKey: z.string(),
  hostPublicKey: z.string(),
  /** base64 of the public keys that may log in. */
  authorized: z.array(z.string()),
});
/** What an endpoint keeps from one connection to the next: `endpoints/<id>.json`, mode 0600. */
export type EndpointRecord = z.infer<typeof recordSchema>;

/** Host keys, names and authorised keys of endpoints. */
export class EndpointStore {
  readonly #folder: string;
  readonly #log: Log;
  readonly #locks = new KeyedMutex();
  #records: Promise<Map<string, EndpointRecord>> | undefined;

  constructor(dataRoot: string, log: Log) {
    this.#folder = join(dataRoot, 'endpoints');
    this.#log = log;
  }

  async all(): Promise<ReadonlyMap<string, EndpointRecord>> {
    return this.#load();
  }

  /** The record of an endpoint; makes one, with a host key and a name of its own, when there is none. */
  obtain(id: string, wantedName: string): Promise<EndpointRecord> {
    return this.#locks.run('', async () => {
      const records = await this.#load();
      const known = records.get(id);
      if (known) return known;
      const name = freeName(wantedName, new Set([...records.values()].map((one) => one.name)));
      const { privateKey, publicKey } = generateSshKey(`berth ${name}`);
      return this.#write(id, { name, hostKey: privateKey, hostPublicKey: publicKey.split(' ').slice(0, 2).join(' '), authorized: [] });
    });
  }

  authorize(id: string, key: string): Promise<EndpointRecord> {
    return this.#locks.run('', async () => {
      const record = (await this.#load()).get(id);
      if (!record) throw new Error(`endpoint ${id} has no record`);
      if (record.authorized.includes(key)) return record;
      return this.#write(id, { ...record, authorized: [...record.authorized, key].slice(-MAX_KEYS) });
    });
  }

  remove(id: string): Promise<void> {
    return this.#locks.run('', async () => {
      if ((await this.#load()).delete(id)) await removeJsonFile(this.#path(id));
    });
  }

  async #write(id: string, record: EndpointRecord): Promise<EndpointRecord> {
    await writeJsonFile(this.#path(id), record);
    (await this.#load()).set(id, record);
    return record;
  }

  #load(): Promise<Map<string, EndpointRecord>> {
    this.#records ??= readJsonFolder(this.#folder, recordSchema, this.#log);
    return this.#records;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
