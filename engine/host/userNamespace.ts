import { readFileSync } from 'node:fs';
import { defineError } from '../base/errors.ts';

export const ownerUnmapped = defineError<{ path: string; uid: number; gid: number }>(
  'OWNER_UNMAPPED',
  500,
  (p) => `${p.path} cannot belong to ${p.uid}:${p.gid} here: /etc/subuid and /etc/subgid give this user no such id. Have root give more of them (usermod --add-subuids … --add-subgids …), or run the engine as root.`,
);

/** One line of /proc/<pid>/uid_map or gid_map: `size` ids from `inside` on are those from `outside` on. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

const EVERY_ID = 2 ** 32 - 1;

/** The lines of /proc/<pid>/uid_map. */
export function parseIdMap(text: string): IdRange[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields): fields is [number, number, number] => fields.length === 3)
    .map(([inside, outside, size]) => ({ inside, outside, size }));
}

/** Whether a namespace with this map is the host's own: every id is itself. */
export function isHostMap(map: readonly IdRange[]): boolean {
  return map.length === 1 && map[0]?.inside === 0 && map[0].outside === 0 && map[0].size === EVERY_ID;
}

export function isMapped(map: readonly IdRange[], id: number): boolean {
  return map.some(({ inside, size }) => id >= inside && id < inside + size);
}

/** The last id of those that follow one another from 0 on. */
export function lastMapped(map: readonly IdRange[]): number {
  const next = (end: number): number => {
    const range = map.find(({ inside }) => inside === end);
    return range ? next(range.inside + range.size) : end;
  };
  return next(0) - 1;
}

/** The user and group ids that exist for this process. */
export interface OurIds {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** Read once: a process's map never changes after it is written. */
export function ourIds(): OurIds {
  known ??= { uids: readMap('/proc/self/uid_map'), gids: readMap('/proc/self/gid_map') };
  return known;
}
let known: OurIds | undefined;

/** Whether there is but one id: nothing can belong to anybody else then, and no program can become another user. */
export function hasOneId({ uids, gids }: OurIds = ourIds()): boolean {
  return [uids, gids].some((map) => map.length === 1 && map[0]?.size === 1);
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Absent is an owner too: nobody in particular. */
export function sameOwner(one: Owner | undefined, other: Owner | undefined): boolean {
  return one?.uid === other?.uid && one?.gid === other?.gid;
}

/** An owner that a file can have here. Where there is one id only there is no choice: every file is that id's. Throws OWNER_UNMAPPED. */
export function ownerHere({ uid, gid }: Owner, path: string, ids: OurIds = ourIds()): Owner {
  if (hasOneId(ids)) return { uid: 0, gid: 0 };
  if (!isMapped(ids.uids, uid) || !isMapped(ids.gids, gid)) throw ownerUnmapped({ path, uid, gid });
  return { uid, gid };
}

export const oneIdWarning =
  'WARNING: Only one user id is mapped: all files of images belong to root, and programs that change their user (apt, sshd, USER in a Dockerfile) fail. Have root give you more: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 <you>, and install newuidmap';

/**
 * Whether this process is in a user namespace other than the host's: being root there is not being root of the host. No device nodes can
 * be made then, overlay keeps its marks in `user.` attributes, and limits of the host cannot be raised.
 */
export function inUserNamespace(): boolean {
  return !isHostMap(ourIds().uids);
}

/** A kernel without user namespaces has no such file; then every id is itself. */
function readMap(path: string): readonly IdRange[] {
  try {
    return parseIdMap(readFileSync(path, 'utf8'));
  } catch {
    return [{ inside: 0, outside: 0, size: EVERY_ID }];
  }
}
