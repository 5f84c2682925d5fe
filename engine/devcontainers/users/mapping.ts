import type { IdPair } from '../../api/docker/run/createBody.ts';

export interface Idmap {
  readonly onDisk: IdPair;
  readonly inside: IdPair;
}

/** What makes the workspace belong to the remote user. */
export interface WorkspaceIds {
  readonly idmap?: Idmap;
  /** `UsernsMode` of the container; default: the engine's own namespace. */
  readonly userns?: string;
  /** Who in it the engine's user then is. */
  readonly keepId?: IdPair;
}

/** An engine without root: it can map no mounts, but make its own user anybody in a container. */
export interface Rootless {
  /** Whether there are ids enough for that. */
  readonly canKeep: (user: IdPair) => boolean;
}

/** What runArgs say of it: `asked` is its `--userns`; `joins`: it is in another container's namespaces, and so has that one's ids. */
export interface IdWishes {
  readonly asked: string;
  readonly joins: boolean;
}

const KEEP_ID = /^keep-id(:|$)/;

/** Whether a dev container may ask for this user namespace: as editors and files come in from outside, only for one in which you are somebody. */
export function isPossibleUserns(mode: string): boolean {
  return mode === '' || mode === 'host' || KEEP_ID.test(mode);
}

/**
 * How files that the engine's user has on the host become the remote user's inside. `owner`: of the workspace, as the engine sees it; absent: nothing of it is to be
 * mapped. `remoteUser` is asked only where it matters. Pure.
 */
export function workspaceIds(owner: IdPair | undefined, remoteUser: () => IdPair, { asked, joins }: IdWishes, rootless: Rootless | undefined): WorkspaceIds {
  // With root, keep-id is what the mapping does anyway.
  const keepId = rootless && KEEP_ID.test(asked);
  if (keepId && asked !== 'keep-id') return { userns: asked };
  const fallback = joins && rootless ? { userns: '' } : {};
  if (!owner && !keepId) return fallback;
  const user = remoteUser();
  if (rootless && user.uid === 0) return fallback;
  if (rootless && !joins && (keepId || owner?.uid === 0) && rootless.canKeep(user)) return { userns: `keep-id:uid=${user.uid},gid=${user.gid}`, keepId: { uid: user.uid, gid: user.gid } };
  const idmap = owner && workspaceIdmap(owner, user);
  return { ...fallback, ...(idmap ? { idmap } : {}) };
}

/**
 * How a folder of the host must be seen inside so that what the remote user writes belongs to the folder's owner outside;
 * undefined when it is so without a mapping. Never by changing owners on disk.
 */
export function workspaceIdmap(owner: IdPair, remoteUser: IdPair): Idmap | undefined {
  if (owner.uid === remoteUser.uid && owner.gid === remoteUser.gid) return undefined;
  return { onDisk: { uid: owner.uid, gid: owner.gid }, inside: { uid: remoteUser.uid, gid: remoteUser.gid } };
}
