import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import { removeTempFiles, syncFolder, writeFileAtomic } from '../base/atomicFile.ts';
import { systemCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

/** Reads and checks one JSON file; `undefined` if there is none. A damaged file is set aside as `<name>.damaged-<time>` and named in the log. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>, log: Log): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const aside = `${path}.damaged-${Date.now()}`;
    await rename(path, aside);
    log.error('a damaged file was set aside', { path, aside, error });
    return undefined;
  }
}

/** Writes one JSON file whole (temp file, fsync, rename). */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Removes a JSON file durably; no error if it is gone. */
export async function removeJsonFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path)).catch(() => undefined);
}

/** Loads every `*.json` of a folder, keyed by its name without the ending; damaged ones are set aside, temp files removed. */
export async function readJsonFolder<T>(folder: string, schema: z.ZodType<T>, log: Log): Promise<Map<string, T>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeTempFiles(folder);
  const loaded = new Map<string, T>();
  for (const name of (await readdir(folder)).sort()) {
    if (!name.endsWith('.json')) continue;
    const value = await readJsonFile(join(folder, name), schema, log);
    if (value !== undefined) loaded.set(basename(name, '.json'), value);
  }
  return loaded;
}
