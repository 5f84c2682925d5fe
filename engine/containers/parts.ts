import type { FileHandle } from 'node:fs/promises';
import type { EventBus } from '../base/eventBus.ts';
import type { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import type { AppArmor } from '../host/appArmor/appArmor.ts';
import type { CgroupFacts } from '../host/cgroups.ts';
import type { FifoPool } from '../host/fifoPool.ts';
import type { OciRuntime } from '../host/ociRuntime.ts';
import { MissingRuntime } from '../host/runtimeChoice.ts';
import type { SeccompCache } from '../host/seccompCache.ts';
import type { ContainerStore } from './containerStore.ts';
import type { IdRanges } from './idRanges.ts';
import type { SeLinuxLabels } from './seLinuxLabels.ts';
import type { Images, Networks, Snapshots, Volumes } from './ports.ts';

/** What the classes of this folder share; made once by ContainerService. */
export interface ContainerParts {
  readonly log: Log;
  readonly events: EventBus;
  readonly images: Images;
  readonly snapshots: Snapshots;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly store: ContainerStore;
  /** Chosen again at the next start of a container while the host has none. */
  runtime: OciRuntime;
  readonly chooseRuntime: () => Promise<OciRuntime>;
  readonly seccomp: SeccompCache;
  readonly appArmor: AppArmor;
  readonly seLinux: SeLinuxLabels;
  readonly cgroups: CgroupFacts;
  /** The parent of every container's cgroup: `/berth` or `/berth-<instance>`; without root one that was delegated to the user. */
  readonly cgroupParent: string;
  readonly fifos: FifoPool;
  /** Ids of containers with user namespaces of their own. */
  readonly idRanges: IdRanges;
  /** One lock per container: start, end, removal. */
  readonly locks: KeyedMutex;
  readonly folders: RuntimeFolders;
  /** Without root: what each container's conmon holds, so that the namespaces stay as long as it does. */
  readonly life?: FileHandle;
}

/** Folders under the runtime root, and of the data. */
export interface RuntimeFolders {
  readonly bundles: string;
  /** conmon notes exit statuses here. */
  readonly exits: string;
  readonly execs: string;
  /** Root filesystem and bundle of each build step under way. */
  readonly steps: string;
  readonly data: string;
  /** Where root filesystems are that a user namespace must reach: on a way that everybody may pass. Made when first needed. */
  readonly mappedRoots: string;
  /** The lowest layer under every container: mount points that an image may lack. */
  readonly skeleton: string;
}

/** The host may have lacked an OCI runtime when the engine started: what was missing may have been installed since. Throws when it still is. */
export async function ensureRuntime(parts: Pick<ContainerParts, 'runtime' | 'chooseRuntime'>): Promise<void> {
  if (!(parts.runtime instanceof MissingRuntime)) return parts.runtime.assertUsable();
  parts.runtime = await parts.chooseRuntime();
  parts.runtime.assertUsable();
  await parts.runtime.prepare();
}
