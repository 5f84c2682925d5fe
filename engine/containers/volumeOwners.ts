import type { CleanupStack } from '../base/cleanup.ts';
import { sameOwner } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Makes the volumes of a container that starts belong, on disk, to who its user namespace has for their owners; and keeps them so, whoever else starts, until `held`
 * is cleaned up: when the container counts as running, its volumes are left as they are.
 */
export async function adoptVolumes({ volumes, log }: Pick<ContainerParts, 'volumes' | 'log'>, { id, record }: Container, held: CleanupStack): Promise<void> {
  for (const name of volumeNames(record.mounts)) {
    const hold = await volumes.useIds(name, record.keepId, id);
    held.defer(() => hold.release());
    if (!hold.fits) log.warn('a volume is used by a running container with other ids: its files belong to others in this one', { volume: name, container: id });
  }
}

/** The volumes that do not, or may not when it is started, belong to the same users in a new container: others have them with other ids. */
export function volumeWarnings({ volumes, store }: Pick<ContainerParts, 'volumes' | 'store'>, { id, mounts, keepId }: Pick<ContainerRecord, 'id' | 'mounts' | 'keepId'>): string[] {
  return volumeNames(mounts).flatMap((name) => {
    if (!volumes.fitsIds(name, keepId)) return [`The volume ${name} is used by a container that runs with other ids (--userns): as long as it runs, files in the volume belong to others here.`];
    const other = store.list().find(({ record }) => record.id !== id && !sameOwner(record.keepId, keepId) && volumeNames(record.mounts).includes(name));
    return other ? [`The volume ${name} is also the container ${other.record.name}'s, which has other ids (--userns): while one of them runs, files in the volume belong to others in the other one.`] : [];
  });
}

/** In the order in which everybody takes them. */
function volumeNames(mounts: ContainerRecord['mounts']): string[] {
  return [...new Set(mounts.flatMap(({ type, name }) => (type === 'volume' && name !== undefined ? [name] : [])))].sort();
}
