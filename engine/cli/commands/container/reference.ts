import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { ApiClient } from '../../../api/client.ts';
import { containerSummarySchema } from '../../../api/docker/containerView.ts';
import type { CliContext } from '../../context.ts';
import { pathOnHost } from '../../engineFolder.ts';

/** For the help of commands that take either. */
export const referenceHelp = 'A name or id, or a folder (., .. or anything with a /) for its dev container.';

/** Names and ids of containers hold no slash: what has one, and `.` and `..`, is a folder. */
export function isFolder(reference: string): boolean {
  return reference === '.' || reference === '..' || reference.includes('/');
}

/** The absolute path of a folder that was given to a command; without symbolic links if it is there. */
export async function folderPath(context: CliContext, folder: string): Promise<string> {
  const path = resolve(context.cwd, folder);
  return realpath(path).catch(() => path);
}

/** A folder as the engine knows it: on another host the one that is kept in sync with it, or, written `host:/path`, one of its own. */
export async function engineFolderPath(context: CliContext, folder: string, options: { readonly begin: boolean } = { begin: false }): Promise<string> {
  return pathOnHost(folder) ?? context.engineFolder(await folderPath(context, folder), options);
}

/** What to call a container in a request: a name as it is, a folder as the id of its dev container. */
export async function containerOf(context: CliContext, client: ApiClient, reference: string): Promise<string> {
  if (!isFolder(reference)) return encodeURIComponent(reference);
  const folder = await engineFolderPath(context, reference);
  const filters = JSON.stringify({ label: [`devcontainer.local_folder=${folder}`] });
  const found = await client.json('GET', '/containers/json', z.array(containerSummarySchema), { query: { all: 1, filters } });
  const best = found.find((one) => one.State === 'running') ?? found[0];
  if (!best) throw Object.assign(new Error(`There is no dev container for ${folder}. Make it with: berth up ${reference}`), { code: 'DEVCONTAINER_NOT_UP', params: { folder } });
  return best.Id;
}

/** Does the same with several containers, one after the other, and goes on when one fails; the first failure is thrown last. */
export async function forEachContainer(context: CliContext, references: readonly string[], work: (client: ApiClient, id: string, reference: string) => Promise<void>): Promise<void> {
  const client = await context.engine();
  const failures: unknown[] = [];
  for (const reference of references) {
    try {
      await work(client, await containerOf(context, client, reference), reference);
    } catch (error) {
      failures.push(error);
      if (references.length > 1) context.stderr.write(`berth: ${reference}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  if (failures.length > 0) throw failures[0];
}
