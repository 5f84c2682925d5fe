import type { HostConfig } from '../api/docker/container.ts';
import { NamespaceHolder } from '../host/namespaceHolder.ts';
import type { Container } from './container.ts';
import { networkSharedGone } from './errors.ts';
import { joinedContainers } from './idRanges.ts';
import { ownIds } from './ownIds.ts';
import type { ContainerParts } from './parts.ts';

/** The user namespace that a container is started in. Needed until the OCI runtime has made the container, which then holds it. */
export interface OwnUserNamespace extends AsyncDisposable {
  readonly path: string;
  /** Whose network namespace, one that belongs to this user namespace, the container gets; absent: it joins others. */
  readonly networkOf?: number;
  /** A user namespace whose map is for mounts: see below. Absent: what is mounted has the container's ids already. */
  readonly mapPath?: string;
}

/**
 * Opens the user namespace of a container with ids of its own: a new one, or that of the container whose namespaces it joins.
 * Where it has a range of its own, mounts are seen through a map that has one id more: behind the container's last one is the host's root, for the kernel makes the
 * folders and whiteouts of an overlay as who mounted it.
 */
export async function openUserNamespace({ store }: Pick<ContainerParts, 'store'>, { record }: Container): Promise<OwnUserNamespace | undefined> {
  const { idRange: range, hostConfig } = record;
  const ids = ownIds(record);
  if (!ids) return undefined;
  const [joined] = joinedContainers(store, hostConfig);
  const holders: NamespaceHolder[] = [];
  const held = async (starting: Promise<NamespaceHolder>): Promise<NamespaceHolder> => {
    const holder = await starting;
    holders.push(holder);
    return holder;
  };
  const close = { [Symbol.asyncDispose]: async () => void (await Promise.all(holders.map((holder) => holder[Symbol.asyncDispose]()))) };
  try {
    const map = range ? { mapPath: (await held(NamespaceHolder.start([...ids.uids, { inside: range.size, outside: 0, size: 1 }]))).userPath } : {};
    if (joined) {
      if (!joined.running || !joined.state.process) throw networkSharedGone({ id: joined.id });
      const path = `/proc/${joined.state.process.pid}/ns/user`;
      if (!ownsNetwork(hostConfig)) return { path, ...map, ...close };
      return { path, networkOf: (await held(NamespaceHolder.networkIn(path))).pid, ...map, ...close };
    }
    const own = await held(NamespaceHolder.start(ids.uids, { groups: ids.gids, network: ownsNetwork(hostConfig) }));
    return { path: own.userPath, ...(ownsNetwork(hostConfig) ? { networkOf: own.pid } : {}), ...map, ...close };
  } catch (error) {
    await close[Symbol.asyncDispose]();
    throw error;
  }
}

function ownsNetwork({ NetworkMode }: HostConfig): boolean {
  return NetworkMode !== 'host' && !NetworkMode?.startsWith('container:');
}
