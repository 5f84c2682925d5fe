import { NamespaceHolder } from '../host/namespaceHolder.ts';
import type { Container } from './container.ts';
import { networkSharedGone } from './errors.ts';
import { joinedContainers } from './idRanges.ts';
import type { ContainerParts } from './parts.ts';

/** The user namespace that a container is started in. Needed until the OCI runtime has made the container, which then holds it. */
export interface OwnUserNamespace extends AsyncDisposable {
  readonly path: string;
  /** Whose network namespace, one that belongs to this user namespace, the container gets; absent: it joins others. */
  readonly networkOf?: number;
  /** A user namespace whose map is for mounts: see below. */
  readonly mapPath: string;
}

/**
 * Opens the user namespace of a container with a range of ids of its own: a new one, or that of the container whose namespaces it joins.
 * Mounts are seen through a map that has one id more: behind the container's last one is the host's root, for the kernel makes the
 * folders and whiteouts of an overlay as who mounted it.
 */
export async function openUserNamespace({ store }: Pick<ContainerParts, 'store'>, { record }: Container): Promise<OwnUserNamespace | undefined> {
  const { idRange: range, hostConfig } = record;
  if (!range) return undefined;
  const map = [{ inside: 0, outside: range.first, size: range.size }];
  const [joined] = joinedContainers(store, hostConfig);
  const mounts = await NamespaceHolder.start([...map, { inside: range.size, outside: 0, size: 1 }]);
  try {
    if (joined) {
      if (!joined.running || !joined.state.process) throw networkSharedGone({ id: joined.id });
      const path = `/proc/${joined.state.process.pid}/ns/user`;
      if (hostConfig.NetworkMode?.startsWith('container:')) return { path, mapPath: mounts.userPath, [Symbol.asyncDispose]: () => mounts[Symbol.asyncDispose]() };
      const network = await NamespaceHolder.networkIn(path);
      return { path, networkOf: network.pid, mapPath: mounts.userPath, [Symbol.asyncDispose]: () => closeAll(mounts, network) };
    }
    const own = await NamespaceHolder.start(map, { network: true });
    return { path: own.userPath, networkOf: own.pid, mapPath: mounts.userPath, [Symbol.asyncDispose]: () => closeAll(mounts, own) };
  } catch (error) {
    await mounts[Symbol.asyncDispose]();
    throw error;
  }
}

async function closeAll(...holders: readonly NamespaceHolder[]): Promise<void> {
  await Promise.all(holders.map((holder) => holder[Symbol.asyncDispose]()));
}
