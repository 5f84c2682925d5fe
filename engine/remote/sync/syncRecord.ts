import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';

const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{16,64}$/),
  /** Absolute, on this machine. */
  local: z.string(),
  /** As the host is asked for it: absolute, or with `~/`. */
  remote: z.string(),
  /** The engine's socket as this machine reaches it: its own, or that of a link. */
  socketPath: z.string(),
  /** The host whose link that is. */
  host: z.string().optional(),
  /** Patterns of the user's own. */
  ignore: z.array(z.string()),
  /** What `.gitignore` files leave out is left out. */
  gitignore: z.boolean(),
  created: z.string(),
});
/** A sync that was set up. */
export type SyncRecord = z.infer<typeof recordSchema>;

/** Where this machine keeps what it knows about its syncs: BERTH_SYNC_STATE, else the system's place for such data. */
export function syncStateFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  const given = env['BERTH_SYNC_STATE'];
  if (given !== undefined && given !== '') return given;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Berth', 'sync');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Berth', 'sync');
  return join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'berth', 'sync');
}

/** The syncs of this machine, a folder each. */
export class SyncRecords {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  stateFolder(id: string): string {
    return join(this.folder, id);
  }

  async list(): Promise<SyncRecord[]> {
    const names = await readdir(this.folder).catch(() => []);
    const records = await Promise.all(names.map((name) => this.#read(name)));
    return records.filter((record) => record !== undefined).sort((a, b) => a.created.localeCompare(b.created));
  }

  async add(record: Omit<SyncRecord, 'id' | 'created' | 'remote'> & { readonly remote?: string }): Promise<SyncRecord> {
    const id = randomBytes(8).toString('hex');
    const full: SyncRecord = { ...record, id, created: new Date().toISOString(), remote: record.remote ?? `~/berth/${id.slice(0, 6)}/${plainName(record.local)}` };
    await mkdir(this.stateFolder(id), { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(this.stateFolder(id), 'sync.json'), `${JSON.stringify(full, null, 2)}\n`);
    return full;
  }

  /** Forgets a sync. Neither folder is touched. */
  async remove(id: string): Promise<void> {
    await rm(this.stateFolder(id), { recursive: true, force: true });
  }

  async #read(name: string): Promise<SyncRecord | undefined> {
    try {
      return recordSchema.parse(JSON.parse(await readFile(join(this.folder, name, 'sync.json'), 'utf8')));
    } catch {
      return undefined; // none of ours
    }
  }
}

function plainName(path: string): string {
  return basename(path).replace(/[^A-Za-z0-9._-]/g, '_').replace(/^[.-]+/, '') || 'folder';
}
