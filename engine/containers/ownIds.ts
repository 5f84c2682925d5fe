import { keepIdMaps, outsideOwner } from '../host/keepId.ts';
import type { OurIds, Owner } from '../host/userNamespace.ts';
import { NamespaceHolder } from '../host/namespaceHolder.ts';
import { run } from '../host/process.ts';
import type { Container } from './container.ts';
import { keepIdImpossible } from './errors.ts';
import type { ContainerRecord } from './record.ts';

type WithIds = Pick<ContainerRecord, 'idRange' | 'keepId'>;

/** The maps of the user namespace that a container has to itself; `undefined`: it is in the engine's. Throws KEEP_ID_IMPOSSIBLE. */
export function ownIds({ idRange, keepId }: WithIds): OurIds | undefined {
  if (keepId) return keptIds(keepId);
  if (!idRange) return undefined;
  const map = [{ inside: 0, outside: idRange.first, size: idRange.size }];
  return { uids: map, gids: map };
}

/** Throws KEEP_ID_IMPOSSIBLE: also for a container that was made when the user had more ids. */
export function keptIds(keepId: Owner): OurIds {
  const ids = keepIdMaps(keepId);
  if (!ids) throw keepIdImpossible(keepId);
  return ids;
}

/** Who a container's root is for the engine. */
export function rootOf(record: WithIds): Owner {
  return outsideOwner({ uid: 0, gid: 0 }, ownIds(record)) ?? { uid: 0, gid: 0 };
}

/** Makes folders of ours, and what is in them, a container's root's. */
export async function giveToRoot(record: WithIds, folders: readonly string[]): Promise<void> {
  const { uid, gid } = rootOf(record);
  await run('chown', ['-R', '-h', `${uid}:${gid}`, '--', ...folders]);
}

/** Does work with a user namespace in which the files that the engine sees of a container have the ids that they have inside; `undefined`: the engine's own is that. */
export async function withInsideIds<T>({ record, running, state }: Pick<Container, 'record' | 'running' | 'state'>, work: (userNamespace: string | undefined) => Promise<T>): Promise<T> {
  if (record.keepId) {
    const { uids, gids } = keptIds(record.keepId);
    await using holder = await NamespaceHolder.start(uids, { groups: gids });
    return await work(holder.userPath);
  }
  // Those of one with a range have them on disk; while it runs they are seen as outside.
  return work(record.idRange && running && state.process ? `/proc/${state.process.pid}/ns/user` : undefined);
}

/** Who owns, for the engine, what somebody of the container owns inside; see `withInsideIds`. `undefined`: nobody can. */
export function ownerSeen({ record, running }: Pick<Container, 'record' | 'running'>): (owner: Owner) => Owner | undefined {
  const ids = record.keepId || running ? ownIds(record) : undefined;
  return (owner) => outsideOwner(owner, ids);
}
