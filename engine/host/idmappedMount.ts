import { defineError, hostCommandFailed } from '../base/errors.ts';
import { callMountMapped } from './mountCalls.ts';
import { inUserNamespace } from './userNamespace.ts';

export const idmapUnavailable = defineError<{ what: string; detail: string }>(
  'IDMAP_UNAVAILABLE',
  500,
  (p) => `${p.what} needs an idmapped mount, which this host cannot make: ${p.detail} Needed: root, and Linux 5.19 or later with a file system that allows it (ext4, xfs, btrfs).`,
);

/** Mounts a folder or file a second time, its owners seen through the map of a user namespace: what is `inside` there is on disk, `outside` is seen. Throws IDMAP_UNAVAILABLE. */
export async function mountIdmapped(source: string, target: string, userNamespace: string): Promise<void> {
  // The kernel lets only the root of a file system's own user namespace map it.
  if (inUserNamespace()) throw idmapUnavailable({ what: source, detail: 'the engine has no root.' });
  await callMountMapped(source, target, userNamespace).catch((error: unknown) => {
    throw idmapUnavailable({ what: source, detail: hostCommandFailed.is(error) ? String(error.params['stderr']) : String(error) }, { cause: error });
  });
}
