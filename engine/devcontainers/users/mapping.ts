import type { IdPair } from '../../api/docker/run/createBody.ts';

export interface Idmap {
  readonly onDisk: IdPair;
  readonly inside: IdPair;
}

/**
 * How a folder of the host must be seen inside so that what the remote user writes belongs to the folder's owner outside;
 * undefined when it is so without a mapping. Never by changing owners on disk.
 */
export function workspaceIdmap(owner: IdPair, remoteUser: IdPair): Idmap | undefined {
  if (owner.uid === remoteUser.uid && owner.gid === remoteUser.gid) return undefined;
  return { onDisk: { uid: owner.uid, gid: owner.gid }, inside: { uid: remoteUser.uid, gid: remoteUser.gid } };
}
