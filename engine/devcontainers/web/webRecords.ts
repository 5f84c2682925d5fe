import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../../base/log.ts';
import { readJsonFile, readJsonFolder, removeJsonFile, writeJsonFile } from '../../state/jsonFile.ts';

const webRecordSchema = z.object({
  folder: z.string(),
  configFile: z.string(),
  /** The editor's volume on the host. */
  dataFolder: z.string(),
  token: z.string(),
  port: z.number(),
  /** Extensions that have been installed into the volume: one that the user took away does not come back. */
  extensions: z.array(z.string()),
});
export type WebRecord = z.infer<typeof webRecordSchema>;

/** What is remembered of editors in the browser: `web-editors/<devcontainer id>.json`, mode 0600, so that an address stays good across restarts. */
export class WebRecords {
  readonly #folder: string;
  readonly #log: Log;

  constructor(dataRoot: string, log: Log) {
    this.#folder = join(dataRoot, 'web-editors');
    this.#log = log;
  }

  all(): Promise<Map<string, WebRecord>> {
    return readJsonFolder(this.#folder, webRecordSchema, this.#log);
  }

  read(id: string): Promise<WebRecord | undefined> {
    return readJsonFile(this.#path(id), webRecordSchema, this.#log);
  }

  write(id: string, record: WebRecord): Promise<void> {
    return writeJsonFile(this.#path(id), record);
  }

  remove(id: string): Promise<void> {
    return removeJsonFile(this.#path(id));
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
