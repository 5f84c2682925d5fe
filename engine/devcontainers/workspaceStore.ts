import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../base/log.ts';
import { readJsonFile, removeJsonFile, writeJsonFile } from '../state/jsonFile.ts';

const probeSchema = z.object({
  /** What it was probed for: container, start, user, kind of shell. */
  key: z.string(),
  shell: z.string(),
  env: z.record(z.string(), z.string()),
});
export type ProbedEnvironment = z.infer<typeof probeSchema>;

const recordSchema = z.object({
  folder: z.string(),
  configFile: z.string(),
  containerId: z.string(),
  /** Lifecycle stages that have run, with what they ran for: the container, or its start. */
  done: z.record(z.string(), z.string()),
  probe: probeSchema.optional(),
});
/** What is remembered of a dev container beside its container: `workspaces/<devcontainer id>.json`. */
export type WorkspaceRecord = z.infer<typeof recordSchema>;

/** Markers and caches of dev containers. They are kept outside the containers, which hold nothing of ours. */
export class WorkspaceStore {
  readonly #folder: string;
  readonly #log: Log;

  constructor(dataRoot: string, log: Log) {
    this.#folder = join(dataRoot, 'workspaces');
    this.#log = log;
  }

  /** What is known for this container; nothing that was known for one before it. */
  async read(id: string, fresh: Pick<WorkspaceRecord, 'folder' | 'configFile' | 'containerId'>): Promise<WorkspaceRecord> {
    const known = await readJsonFile(this.#path(id), recordSchema, this.#log);
    return known?.containerId === fresh.containerId ? known : { ...fresh, done: {} };
  }

  write(id: string, record: WorkspaceRecord): Promise<void> {
    return writeJsonFile(this.#path(id), record);
  }

  remove(id: string): Promise<void> {
    return removeJsonFile(this.#path(id));
  }

  /** Removes what belongs to none of these containers: they were removed as containers, or while no engine ran. */
  async removeOthers(containerIds: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter((one) => one.endsWith('.json'))) {
      const record = await readJsonFile(join(this.#folder, name), recordSchema, this.#log);
      if (record && !containerIds.has(record.containerId)) await this.remove(basename(name, '.json'));
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
