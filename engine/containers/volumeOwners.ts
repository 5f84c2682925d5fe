import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerRecord } from './record.ts';

/** Makes the volumes of a container that starts belong, on disk, to who its user namespace has for their owners. */
export async function adoptVolumes({ volumes, log }: Pick<ContainerParts, 'volumes' | 'log'>, { id, record }: Container): Promise<void> {
  for (const name of volumeNames(record.mounts)) {
    const fits = await volumes.useIds(name, record.keepId, id);
    if (!fits) log.warn('a volume is used by a running container with other ids: its files belong to others in this one', { volume: name, container: id });
  }
}

/** The volumes that would not belong to the same users in a new container if it were started now. */
export function volumeWarnings(volumes: Pick<ContainerParts['volumes'], 'fitsIds'>, { mounts, keepId }: Pick<ContainerRecord, 'mounts' | 'keepId'>): string[] {
  const names = volumeNames(mounts).filter((name) => !volumes.fitsIds(name, keepId));
  return names.map((name) => `The volume ${name} is used by a container that runs with other ids (--userns): as long as it runs, files in the volume belong to others here.`);
}

function volumeNames(mounts: ContainerRecord['mounts']): string[] {
  return [...new Set(mounts.flatMap(({ type, name }) => (type === 'volume' && name !== undefined ? [name] : [])))];
}
