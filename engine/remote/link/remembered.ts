import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { makeFolders } from '../../base/makeFolders.ts';
import type { PreparedHost } from './engineStream.ts';
import type { LinkTarget } from './engineSession.ts';

const schema = z.object({ url: z.string(), version: z.string(), socketPath: z.string(), command: z.string() });

/** What a host was found to have, in a file of the user's; trusted only for the same address and the same version of Berth. */
export function rememberedHost(path: string, url: string, version: string): LinkTarget['remembered'] {
  return {
    load: async (): Promise<PreparedHost | undefined> => {
      try {
        const found = schema.parse(JSON.parse(await readFile(path, 'utf8')));
        return found.url === url && found.version === version ? { socketPath: found.socketPath, command: found.command } : undefined;
      } catch {
        return undefined;
      }
    },
    save: async ({ socketPath, command }) => {
      await makeFolders(dirname(path), 0o700);
      await writeFileAtomic(path, JSON.stringify({ url, version, socketPath, command }));
    },
  };
}

export async function forgetHost(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
