import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountIdmapped } from '../host/idmappedMount.ts';
import { unmount } from '../host/mounts.ts';
import { NamespaceHolder } from '../host/namespaceHolder.ts';
import type { OciRuntime } from '../host/ociRuntime.ts';
import type { OciIdMapping } from '../host/ociTypes.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { IdRange } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import { swap } from './containerSpec.ts';
import type { MountPoint } from './record.ts';

/** How this host can make an idmapped bind: the runtime does it, the engine beforehand, or nobody. */
export type IdmapSupport = 'runtime' | 'mount' | 'none';

export function idmapSupport(runtime: OciRuntime): IdmapSupport {
  if (inUserNamespace()) return 'none'; // the kernel lets only the root of a file system's own user namespace map it
  return runtime.name === 'crun' ? 'runtime' : 'mount';
}

/** The container's mounts, those with an idmap in a form that the runtime can make. */
export async function mountIdmappedBinds(runtime: OciRuntime, container: Container): Promise<MountPoint[]> {
  const { record } = container;
  if (!record.mounts.some(({ idmap }) => idmap)) return record.mounts;
  const support = idmapSupport(runtime);
  if (support === 'runtime') return record.mounts;
  return Promise.all(
    record.mounts.map(async (mount, index) => {
      const { idmap, ...plain } = mount;
      if (!idmap || support === 'none') return plain;
      await using holder = await NamespaceHolder.start(swap(idmap, 'uid').map(toIdRange), { groups: swap(idmap, 'gid').map(toIdRange) });
      return await mountAside(container, plain, String(index), holder.userPath);
    }),
  );
}

/** The container's mounts, its volumes seen through the map of its user namespace: on disk they have the container's ids, whatever range it has. */
export async function mountMappedVolumes(container: Container, userNamespace: string): Promise<MountPoint[]> {
  return Promise.all(container.record.mounts.map((mount, index) => (mount.type === 'volume' ? mountAside(container, mount, String(index), userNamespace) : Promise.resolve(mount))));
}

/** Mounts a folder or file, mapped, among the container's own files. What is left there is let go of with the container's other mounts. */
export async function mountAside(container: Container, mount: MountPoint, name: string, userNamespace: string): Promise<MountPoint> {
  const target = join(idmappedFolder(container), name);
  await mkdir(idmappedFolder(container), { recursive: true });
  if ((await stat(mount.source)).isDirectory()) await mkdir(target, { recursive: true });
  else await writeFile(target, '');
  await mountIdmapped(mount.source, target, userNamespace);
  return { ...mount, source: target };
}

export async function unmountIdmapped(container: Container): Promise<void> {
  const { record } = container;
  if (!record.idRange && !record.mounts.some(({ idmap }) => idmap)) return;
  const folder = idmappedFolder(container);
  const targets = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  await unmount(...targets);
  await rm(folder, { recursive: true, force: true }); // nothing but mount points, once nothing is mounted on them
}

export function idmappedFolder({ paths }: Container): string {
  return join(paths.folder, 'idmapped');
}

/** In a mount's map `containerID` is the id on disk, `hostID` the one seen. */
function toIdRange({ containerID, hostID, size }: OciIdMapping): IdRange {
  return { inside: containerID, outside: hostID, size };
}
