import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineConfig } from '../base/config.ts';
import type { EventBus } from '../base/eventBus.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';
import { AppArmor } from '../host/appArmor/appArmor.ts';
import { prepareCgroupParent } from '../host/cgroupParent.ts';
import { cgroupFacts } from '../host/cgroups.ts';
import { FifoPool } from '../host/fifoPool.ts';
import { delegatedParent } from '../host/rootless/delegation.ts';
import { holdLife } from '../host/rootless/keeper.ts';
import { chooseRuntime } from '../host/runtimeChoice.ts';
import { SeLinux } from '../host/seLinux/seLinux.ts';
import { SeccompCache } from '../host/seccompCache.ts';
import { ContainerStore } from './containerStore.ts';
import { IdRanges } from './idRanges.ts';
import type { ContainerParts } from './parts.ts';
import type { Images, Networks, Snapshots, Volumes } from './ports.ts';
import { labelFolders } from './seLinuxFolders.ts';
import { SeLinuxLabels } from './seLinuxLabels.ts';
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
  const made = { bundles: inRun('bundles'), exits: inRun('exits'), execs: inRun('execs'), steps: inRun('steps'), skeleton: join(config.dataRoot, 'skeleton') };
  await rm(made.execs, { recursive: true, force: true }); // of execs whose clients went with the former engine
  for (const folder of Object.values(made)) await mkdir(folder, { recursive: true, mode: folder === made.skeleton ? 0o755 : 0o700 });
  const folders = { ...made, data: config.dataRoot, mappedRoots: `${config.runRoot}-roots` };
  const cgroupParent = (await delegatedParent(config.keeper)) ?? cgroupParentOf(config.instance);
  await prepareCgroupParent(cgroupParent);
  const cgroups = cgroupFacts(cgroupParent);
  const fifos = new FifoPool(inRun('fifos'));
  const choose = () => chooseRuntime({ dataRoot: config.dataRoot, stateRoot: inRun('oci'), cgroups, log, ...(config.runtime === undefined ? {} : { only: config.runtime }) });
  const rootless = config.keeper !== undefined;
  const modules = Promise.all([AppArmor.open({ runRoot: config.runRoot, rootless, log }), SeLinux.open({ wanted: !rootless && (config.seLinux ?? false), log })]);
  const [runtime, [appArmor, seLinux]] = await Promise.all([choose(), modules, fifos.prepare(), makeSkeleton(folders.skeleton)]);
  await Promise.all([runtime.prepare(), labelFolders(seLinux, { data: config.dataRoot, fifos: inRun('fifos') })]);
  const life = config.keeper === undefined ? undefined : await holdLife(config.keeper);
  const store = new ContainerStore(config.dataRoot, config.runRoot, log);
  return { log, events, images, snapshots, networks, volumes, store, runtime, chooseRuntime: choose, seccomp: new SeccompCache(), appArmor, seLinux: new SeLinuxLabels(seLinux, store), cgroups, cgroupParent, fifos, idRanges: new IdRanges(config.usernsRemap ?? '', config.usernsPool ?? '', store), locks: new KeyedMutex(), folders, ...(life ? { life } : {}) };
}

/** `/berth`, or `/berth-<instance>`: the parent of every container's cgroup where we are root. */
function cgroupParentOf(instance: string): string {
  return instance === 'berth' ? '/berth' : `/berth-${instance}`;
}
