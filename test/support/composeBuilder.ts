import { arch } from 'node:os';
import { join } from 'node:path';
import { EventBus } from '../../engine/base/eventBus.ts';
import { silentLog } from '../../engine/base/log.ts';
import { BuildService } from '../../engine/build/buildService.ts';
import { ContainerService } from '../../engine/containers/containerService.ts';
import { StepRunner } from '../../engine/containers/stepRunner.ts';
import { ContentStore } from '../../engine/content/contentStore.ts';
import { run } from '../../engine/host/process.ts';
import { BuildCacheStore } from '../../engine/images/cache/buildCaches.ts';
import { ImageService } from '../../engine/images/imageService.ts';
import { PackedLayers } from '../../engine/images/packedLayers.ts';
import { Registries } from '../../engine/registry/registries.ts';
import { buildCaches, buildImages, containerImages } from '../../engine/mainAdapters.ts';
import { NetworkService } from '../../engine/networks/networkService.ts';
import { FileSnapshotStore } from '../../engine/snapshots/fileSnapshotStore.ts';
import { VolumeService } from '../../engine/volumes/volumeService.ts';
import { baseTar } from './base.ts';

export interface ComposedBuilder {
  readonly service: BuildService;
  readonly images: ImageService;
  readonly snapshots: FileSnapshotStore;
  /** Makes `debian:latest` of Debian's packages. */
  loadBase(): Promise<void>;
  close(): Promise<void>;
}

/** The builder and all it stands on, as an engine has them, on `root`/data and `root`/run. */
export async function composeBuilder(root: string, instance: string): Promise<ComposedBuilder> {
  const dataRoot = join(root, 'data');
  const config = { dataRoot, runRoot: join(root, 'run'), socketPath: join(root, 'run', 'berth.sock'), instance, idleSeconds: 0 };
  const events = new EventBus();
  const log = silentLog;
  const late: { builds?: BuildService } = {};
  const snapshots = new FileSnapshotStore(dataRoot, log);
  const content = new ContentStore(dataRoot, log);
  await snapshots.load();
  await content.load();
  const registries = new Registries([]);
  const images = new ImageService({ dataRoot, content, snapshots, registries, events, log, inUse: () => [], snapshotsInUse: () => late.builds?.snapshotsInUse() ?? [] });
  const networks = new NetworkService({ config, log, events });
  const volumes = new VolumeService({ dataRoot, log, events, inUse: () => [] });
  await images.load();
  await networks.prepare();
  await volumes.load();
  const containers = await ContainerService.open({ config, log, events, images: containerImages(images), snapshots, networks, volumes });
  const runner = await StepRunner.open({ parts: containers.parts });
  const caches = buildCaches(new BuildCacheStore({ images, content, snapshots, registries, packed: new PackedLayers(dataRoot, log) }));
  const service = new BuildService({ dataRoot, images: buildImages(images), caches, snapshots, runner, collector: images, debugger: { open: () => Promise.reject(new Error('nobody looks')) }, events, log });
  late.builds = service;
  await service.reconcile();
  const close = async (): Promise<void> => {
    await containers.close();
    await networks.close();
    snapshots.close();
  };
  return { service, images, snapshots, close, loadBase: () => loadBase(images, snapshots) };
}

async function loadBase(images: ImageService, snapshots: FileSnapshotStore): Promise<void> {
  await using pending = await snapshots.begin();
  await run('tar', ['-xf', await baseTar(), '-C', pending.dir, '--numeric-owner', '-p']);
  const { id } = await pending.commit({});
  const architecture = arch() === 'x64' ? 'amd64' : arch();
  await images.addImage({ config: { architecture, os: 'linux', config: { Cmd: ['bash'] }, history: [{ created_by: 'debian' }] }, snapshotIds: [id], tags: ['debian'] });
}
