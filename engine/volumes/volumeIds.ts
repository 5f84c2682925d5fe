import { chown, readdir } from 'node:fs/promises';
import { z } from 'zod';
import { keepIdMaps, outsideOwner } from '../host/keepId.ts';
import { NamespaceHolder } from '../host/namespaceHolder.ts';
import { run } from '../host/process.ts';
import { copyTree } from '../host/tar/copyTree.ts';
import type { Owner } from '../host/userNamespace.ts';

/**
 * Whose ids a volume's files have on disk. Without root no mount can translate them: they are those of the containers that mount it, which are shifted where
 * the engine's user is another one than root there (host/keepId.ts). Absent: not shifted.
 */
export const keepIdSchema = z.object({ uid: z.number().int().nonnegative(), gid: z.number().int().nonnegative() });

/** Does work with a user namespace that sees files with such ids as the containers do; `undefined`: so does this process. */
export async function withVolumeIds<T>(keepId: Owner | undefined, work: (userNamespace: string | undefined) => Promise<T>): Promise<T> {
  const maps = keepId && keepIdMaps(keepId);
  if (!maps) return work(undefined);
  await using holder = await NamespaceHolder.start(maps.uids, { groups: maps.gids });
  return await work(holder.userPath);
}

/** Copies a volume's files for containers with other ids: to them everything belongs to whom it belonged to before. They are on disk when this resolves, for what they replace is all there was. */
export async function copyForIds(from: string, to: string, before: Owner | undefined, after: Owner | undefined): Promise<void> {
  await withVolumeIds(before, (reads) => withVolumeIds(after, (writes) => copyTree(from, to, { ...(reads === undefined ? {} : { reads }), ...(writes === undefined ? {} : { writes }) })));
  if ((await readdir(to)).length > 0) await run('sync', ['-f', to]);
}

/** Makes a folder that the engine made belong to root of such containers. */
export async function giveToRootOf(folder: string, keepId: Owner | undefined): Promise<void> {
  const owner = outsideOwner({ uid: 0, gid: 0 }, keepId && keepIdMaps(keepId));
  if (keepId && owner) await chown(folder, owner.uid, owner.gid);
}
