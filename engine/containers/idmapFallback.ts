import { mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Idmap } from '../api/docker/container.ts';
import { mountBind, unmount } from '../host/mounts.ts';
import type { OciRuntime } from '../host/ociRuntime.ts';
import type { OciIdMapping } from '../host/ociTypes.ts';
import { run } from '../host/process.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import { swap } from './containerSpec.ts';
import type { MountPoint } from './record.ts';

/** How this host can make an idmapped bind: the runtime does it, `mount` does it beforehand, or nobody. */
export type IdmapSupport = 'runtime' | 'mount' | 'none';

let fromMount: Promise<boolean> | undefined;

export async function idmapSupport(runtime: OciRuntime): Promise<IdmapSupport> {
  if (inUserNamespace()) return 'none'; // the kernel lets only the root of a file system's own user namespace map it
  if (runtime.name === 'crun') return 'runtime';
  fromMount ??= run('mount', ['--version']).then(({ stdout }) => canMount(stdout), () => false);
  return (await fromMount) ? 'mount' : 'none';
}

/** util-linux knows X-mount.idmap from 2.39 on. */
export function canMount(versionText: string): boolean {
  const [, major = '0', minor = '0'] = /util-linux (\d+)\.(\d+)/.exec(versionText) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 39);
}

/** The container's mounts, those with an idmap in a form that the runtime can make. */
export async function mountIdmapped(runtime: OciRuntime, { record, paths }: Container): Promise<readonly MountPoint[]> {
  if (!record.mounts.some(({ idmap }) => idmap)) return record.mounts;
  const support = await idmapSupport(runtime);
  if (support === 'runtime') return record.mounts;
  return Promise.all(
    record.mounts.map(async (mount, index) => {
      const { idmap, ...plain } = mount;
      if (!idmap || support === 'none' || !(await stat(mount.source)).isDirectory()) return plain;
      const target = join(folderOf(paths.folder), String(index));
      await mkdir(target, { recursive: true });
      await mountBind(mount.source, target, [`X-mount.idmap=${mountOption(idmap)}`]);
      return { ...plain, source: target };
    }),
  );
}

export async function unmountIdmapped({ record, paths }: Container): Promise<void> {
  if (!record.mounts.some(({ idmap }) => idmap)) return;
  const folder = folderOf(paths.folder);
  const targets = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  await unmount(...targets);
  for (const target of targets) await rmdir(target);
}

/** `u:<on disk>:<seen>:<how many> …`. */
function mountOption(idmap: Idmap): string {
  const part = (kind: 'uid' | 'gid') => swap(idmap, kind).map(({ containerID, hostID, size }: OciIdMapping) => `${kind[0]}:${containerID}:${hostID}:${size}`);
  return [...part('uid'), ...part('gid')].join(' ');
}

function folderOf(folder: string): string {
  return join(folder, 'idmapped');
}
