import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/atomicFile.ts';
import { makeFolders } from '../../base/makeFolders.ts';
import type { PreparedHost } from './engineStream.ts';
import type { LinkTarget } from './engineSession.ts';

const schema = z.object({ url: z.string(), engine: z.string(), socketPath: z.string(), command: z.string() });

/** What a host was found to have, in a file of the user's; trusted only for the same address and as long as `engine`, the name of what would be installed there, is the same. */
export function rememberedHost(path: string, url: string, engine: () => Promise<string>): LinkTarget['remembered'] {
  return {
    load: async (): Promise<PreparedHost | undefined> => {
      try {
        const found = schema.parse(JSON.parse(await readFile(path, 'utf8')));
        return found.url === url && found.engine === (await engine()) ? { socketPath: found.socketPath, command: found.command } : undefined;
      } catch {
        return undefined;
      }
    },
    save: async ({ socketPath, command }) => {
      await makeFolders(dirname(path), 0o700);
      await writeFileAtomic(path, JSON.stringify({ url, engine: await engine(), socketPath, command }));
    },
  };
}

export async function forgetHost(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, { force: true })));
}
