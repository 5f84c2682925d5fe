import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Owner } from '../host/userNamespace.ts';

const TMPFS = 0x01021994;

/** One call that makes something in a folder: without waiting, and in the background. */
export interface Making<T> {
  readonly now: () => T;
  readonly later: () => Promise<T>;
}

/**
 * Makes something in a folder of a running container whose root is `root` here. A file system in memory that the container mounted belongs to its user namespace: the kernel
 * lets nobody make anything there whose id it does not know, the host's root least of all, so it is made with the container's root's id. That is done without waiting, as
 * the id is this thread's meanwhile, and so in no other kind of file system: one that is served by the container itself could keep us waiting for ever.
 */
export async function makeInside<T>({ uid, gid }: Owner, place: string, { now, later }: Making<T>): Promise<T> {
  if ((uid === 0 && gid === 0) || (await statfs(dirname(place))).type !== TMPFS) return later();
  const { asIds } = await import('#native');
  return asIds(uid, gid, now);
}
