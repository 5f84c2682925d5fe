import { invalidConfig } from './errors.ts';
import type { PlannedMount } from './mountPlan.ts';
import type { MountPoint } from './record.ts';

/** The mounts of other containers that a new one is to have too: `name[:ro|rw]` each. Throws INVALID_CONTAINER_CONFIG; `find` throws NO_SUCH_CONTAINER. Pure but for `find`. */
export function volumesFrom(references: readonly string[], find: (ref: string) => readonly MountPoint[]): PlannedMount[] {
  return references.flatMap((reference) => {
    const [name = '', mode = 'rw', ...more] = reference.split(':');
    if (name === '' || more.length > 0 || !['ro', 'rw', 'z', 'Z'].includes(mode)) throw invalidConfig({ what: 'invalid volumes-from', detail: `"${reference}" is not container[:ro|rw]` });
    return find(name)
      .filter(({ type }) => type !== 'tmpfs')
      .map((mount) => ({ ...mount, readOnly: mount.readOnly || mode === 'ro', anonymous: false, copyUp: false, createSource: false, ...(mount.name ? { volumeName: mount.name } : {}) }));
  });
}

/** Own mounts and those of others: what was asked for by itself wins over what others have, which wins over the volumes of the image. Pure. */
export function withInherited(own: readonly PlannedMount[], inherited: readonly PlannedMount[]): PlannedMount[] {
  const explicit = own.filter(({ anonymous }) => !anonymous);
  const asked = new Set(explicit.map(({ destination }) => destination));
  const taken = [...new Map(inherited.map((mount) => [mount.destination, mount])).values()].filter(({ destination }) => !asked.has(destination));
  const covered = new Set([...asked, ...taken.map(({ destination }) => destination)]);
  const all = [...explicit, ...taken, ...own.filter(({ anonymous, destination }) => anonymous && !covered.has(destination))];
  return all.sort((a, b) => a.destination.split('/').length - b.destination.split('/').length);
}
