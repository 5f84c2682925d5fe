import { ourIds } from './userNamespace.ts';
import type { IdRange, OurIds, Owner } from './userNamespace.ts';

/**
 * One id of a container is that of whoever runs the engine (id 0 of the engine's own user namespace), as Podman's keep-id: the ids below it are each one higher
 * outside, so that nobody shares an id, and those above it are themselves. `undefined`: `ours` has not all of the ids that this takes. Pure.
 */
export function keepIdMap(id: number, ours: readonly IdRange[]): IdRange[] | undefined {
  const end = Math.max(...ours.map(({ inside, size }) => inside + size));
  const wanted: IdRange[] = [
    { inside: 0, outside: 1, size: id },
    { inside: id, outside: 0, size: 1 },
    { inside: id + 1, outside: id + 1, size: end - id - 1 },
  ];
  const map = wanted.flatMap((range) => pieces(range, ours));
  const covered = map.reduce((sum, { inside, size }) => sum + Math.max(0, Math.min(inside + size, id + 1) - inside), 0);
  return covered === id + 1 ? map : undefined;
}

/** The parts of a range whose ids outside exist: the kernel takes none that reaches over two ranges of the namespace above. */
function pieces({ inside, outside, size }: IdRange, ours: readonly IdRange[]): IdRange[] {
  return ours.flatMap((one) => {
    const first = Math.max(outside, one.inside);
    const end = Math.min(outside + size, one.inside + one.size);
    return end > first ? [{ inside: inside + first - outside, outside: first, size: end - first }] : [];
  });
}

/** What an id inside is outside; `undefined`: the map does not have it. */
export function outsideId(map: readonly IdRange[], id: number): number | undefined {
  const range = map.find(({ inside, size }) => id >= inside && id < inside + size);
  return range && range.outside + id - range.inside;
}

/** The maps of users and of groups for a container in which the engine's user is `owner`; `undefined`: there are not ids enough. */
export function keepIdMaps({ uid, gid }: Owner, ours: OurIds = ourIds()): OurIds | undefined {
  const [uids, gids] = [keepIdMap(uid, ours.uids), keepIdMap(gid, ours.gids)];
  return uids && gids && { uids, gids };
}

/** Who the engine's user is outside of its namespace, by number. */
export function engineUser(ours: OurIds = ourIds()): Owner {
  return { uid: outsideId(ours.uids, 0) ?? 0, gid: outsideId(ours.gids, 0) ?? 0 };
}

/** Who somebody inside is outside; `undefined`: nobody. Without maps everybody is who they are. */
export function outsideOwner({ uid, gid }: Owner, maps: OurIds | undefined): Owner | undefined {
  if (!maps) return { uid, gid };
  const [outerUid, outerGid] = [outsideId(maps.uids, uid), outsideId(maps.gids, gid)];
  return outerUid === undefined || outerGid === undefined ? undefined : { uid: outerUid, gid: outerGid };
}
