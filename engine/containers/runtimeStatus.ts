import { isFrozen } from '../host/cgroups.ts';
import type { OciStatus } from '../host/ociRuntime.ts';
import type { ContainerParts } from './parts.ts';

/**
 * What the OCI runtime says of a container whose process is alive. It is a program to start, for each container: where its files and the
 * kernel show that the container was started and is not frozen, it is not asked.
 */
export async function runtimeStatus({ runtime, cgroups, cgroupParent }: Pick<ContainerParts, 'runtime' | 'cgroups' | 'cgroupParent'>, id: string): Promise<OciStatus | undefined> {
  const [started, frozen] = await Promise.all([runtime.showsStarted(id), runtime.cgroups ? isFrozen(cgroups.version, `${cgroupParent}/${id}`) : false]);
  return started && frozen === false ? 'running' : runtime.status(id);
}
