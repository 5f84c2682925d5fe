import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineConfig } from '../base/config.ts';
import type { EventBus } from '../base/eventBus.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { prepareCgroupParent } from '../host/cgroupParent.ts';
import { cgroupFacts } from '../host/cgroups.ts';
import { FifoPool } from '../host/fifoPool.ts';
import { delegatedParent } from '../host/rootless/delegation.ts';
import { holdLife } from '../host/rootless/keeper.ts';
import { chooseRuntime } from '../host/runtimeChoice.ts';
import { SeccompCache } from '../host/seccompCache.ts';
import { ContainerStore } from './containerStore.ts';
import type { ContainerParts } from './parts.ts';
import type { Images, Networks, Snapshots, Volumes } from './ports.ts';
import { makeSkeleton } from './skeleton.ts';

export interface PartsOptions {
  readonly config: EngineConfig;
  readonly log: Log;
  readonly events: EventBus;
  readonly images: Images;
  readonly snapshots: Snapshots;
  readonly networks: Networks;
  readonly volumes: Volumes;
}

/** Makes the folders of the containers and chooses the OCI runtime. */
export async function openParts({ config, log, events, images, snapshots, networks, volumes }: PartsOptions): Promise<ContainerParts> {
  const inRun = (name: string): string => join(config.runRoot, name);
  const folders = { bundles: inRun('bundles'), exits: inRun('exits'), execs: inRun('execs'), steps: inRun('steps'), skeleton: join(config.dataRoot, 'skeleton') };
  await rm(folders.execs, { recursive: true, force: true }); // of execs whose clients went with the former engine
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: folder === folders.skeleton ? 0o755 : 0o700 });
  const cgroupParent = (await delegatedParent(config.keeper)) ?? cgroupParentOf(config.instance);
  await prepareCgroupParent(cgroupParent);
  const cgroups = cgroupFacts(cgroupParent);
  const fifos = new FifoPool(inRun('fifos'));
  const choose = () => chooseRuntime(config.dataRoot, inRun('oci'), cgroups, log);
  const [runtime] = await Promise.all([choose(), fifos.prepare(), makeSkeleton(folders.skeleton)]);
  await runtime.prepare();
  const life = config.keeper === undefined ? undefined : await holdLife(config.keeper);
  const store = new ContainerStore(config.dataRoot, config.runRoot, log);
  return { log, events, images, snapshots, networks, volumes, store, runtime, chooseRuntime: choose, seccomp: new SeccompCache(), cgroups, cgroupParent, fifos, locks: new KeyedMutex(), folders, ...(life ? { life } : {}) };
}

/** `/berth`, or `/berth-<instance>`: the parent of every container's cgroup where we are root. */
function cgroupParentOf(instance: string): string {
  return instance === 'berth' ? '/berth' : `/berth-${instance}`;
}
