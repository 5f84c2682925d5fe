import { join } from 'node:path';
import { cacheLimitsOf } from './build/cache/limits.ts';
import { BuildService } from './build/buildService.ts';
import type { BuildServiceParts } from './build/buildService.ts';
import type { EngineConfig } from './base/config.ts';
import { BuildCertificates } from './build/ops/certificates.ts';
import { CheckService } from './check/checkService.ts';
import { RecordInspector } from './check/records.ts';
import { EventBus } from './base/eventBus.ts';
import type { Log } from './base/log.ts';
import { ContainerService } from './containers/containerService.ts';
import { StepRunner } from './containers/stepRunner.ts';
import { ContentStore } from './content/contentStore.ts';
import { DevContainerService } from './devcontainers/devContainerService.ts';
import { agentLauncher } from './endpoint/agentLauncher.ts';
import { EndpointService } from './endpoint/endpointService.ts';
import { PortService } from './devcontainers/forwarding/portService.ts';
import { UnpackThreads } from './host/tar/unpackThreads.ts';
import { HostLoopback } from './host/rootless/hostLoopback.ts';
import { BuildCacheStore } from './images/cache/buildCaches.ts';
import { ImageArchives } from './images/imageArchives.ts';
import { ImageService } from './images/imageService.ts';
import { PackedLayers } from './images/packedLayers.ts';
import { RemoteImages } from './images/remoteImages.ts';
import { ServedRegistry } from './images/served/servedRegistry.ts';
import { openDebugger } from './mainDebugger.ts';
import { buildCaches, buildImages, containerAddress, containerImages, devBuilder, devContainers, devImages, devVolumes, endpointContainers, endpointDevContainers, networkUsers } from './mainAdapters.ts';
import { engineRouteTable } from './mainRoutes.ts';
import { NetworkService } from './networks/networkService.ts';
import { Registries } from './registry/registries.ts';
import { settingsFolders, systemAuthorities } from './registry/settings.ts';
import type { Route } from './server/route.ts';
import { FileSnapshotStore } from './snapshots/fileSnapshotStore.ts';
import { SyncService } from './sync/syncService.ts';
import { VolumeService } from './volumes/volumeService.ts';

export interface EngineParts {
  readonly config: EngineConfig;
  readonly log: Log;
  readonly logFile: string;
  readonly idleSeconds: number;
  /** Ends the engine. */
  readonly stop: () => void;
}

export interface ComposedEngine {
  readonly routes: readonly Route[];
  /** Whether something other than a request (a running container, a restart policy) needs the engine. */
  readonly isNeeded: () => boolean;
  /** Where a container's ports are reached from here. */
  readonly containerAddress: (container: string) => string;
  close(): Promise<void>;
}

export interface Services {
  readonly events: EventBus;
  readonly images: ImageService;
  readonly archives: ImageArchives;
  readonly remoteImages: RemoteImages;
  readonly served: ServedRegistry;
  readonly snapshots: FileSnapshotStore;
  readonly networks: NetworkService;
  readonly volumes: VolumeService;
  readonly containers: ContainerService;
  readonly builds: BuildService;
  readonly devContainers: DevContainerService;
  readonly endpoint: EndpointService;
  readonly syncs: SyncService;
  readonly ports: PortService;
  readonly check: CheckService;
  readonly records: RecordInspector;
}

/** Wires the services: the only place that knows all of them. Each is ready, and has repaired what a crash left, before the next needs it. */
export async function composeEngine(parts: EngineParts): Promise<ComposedEngine> {
  const services = await openServices(parts);
  return {
    routes: engineRouteTable(parts, services),
    isNeeded: () => services.containers.isNeeded() || services.builds.running > 0,
    containerAddress: (container) => containerAddress(services.containers, container),
    close: async () => {
      await services.devContainers.close();
      await services.builds.close();
      await services.syncs.close();
      await services.ports.close();
      await services.containers.close();
      await services.networks.close();
    },
  };
}

async function openServices({ config, log }: EngineParts): Promise<Services> {
  const { dataRoot } = config;
  const events = new EventBus();
  // Stores and services know each other's needs only through these questions, answered once all are there.
  const late: { containers?: ContainerService; builds?: BuildService } = {};
  const threads = UnpackThreads.beside(process.argv[1] ?? '');
  const snapshots = new FileSnapshotStore(dataRoot, log, threads);
  const content = new ContentStore(dataRoot, log);
  await Promise.all([snapshots.load(), content.load()]);
  const registries = new Registries(settingsFolders(process.env));
  const images = new ImageService({
    threads,
    dataRoot,
    content,
    snapshots,
    ...{ registries, events, log },
    inUse: (id) => late.containers?.usage.usersOfImage(id).map((user) => user.slice(0, 12)) ?? [],
    snapshotsInUse: () => [...(late.builds?.snapshotsInUse() ?? []), ...(late.containers?.usage.snapshotsInUse() ?? [])],
    shiftedInUse: () => late.containers?.usage.shiftedInUse() ?? new Set(),
  });
  const networks = new NetworkService({ config, log, events });
  const volumes = new VolumeService({ dataRoot, log, events, inUse: (name) => late.containers?.usage.usersOfVolume(name) ?? [], running: (name) => late.containers?.usage.usersOfVolume(name).filter((id) => late.containers?.find(id).running) ?? [] });
  await Promise.all([images.load(), networks.prepare(), volumes.load()]);
  const containers = await ContainerService.open({ config, log, events, images: containerImages(images), snapshots, networks, volumes, imageNames: (id) => images.list().find((image) => image.id === id)?.repoTags ?? [] });
  late.containers = containers;
  const runner = await StepRunner.open({ parts: containers.parts });
  const packed = new PackedLayers(dataRoot, log);
  const builds = await openBuilder({ dataRoot, images, caches: new BuildCacheStore({ images, content, snapshots, registries, packed }), containers, snapshots, runner, runRoot: config.runRoot, events, log });
  late.builds = builds;
  // A kill between taking a layer over and writing who needs it leaves a snapshot that nobody names.
  await images.collect(snapshots.list().map(({ id }) => id));
  const archives = new ImageArchives({ images, content, snapshots, events });
  const remoteImages = new RemoteImages({ images, content, snapshots, registries, packed, events });
  const served = new ServedRegistry({ dataRoot, images, content, snapshots, log });
  await served.load();
  const loopback = new HostLoopback(config.keeper);
  const ports = new PortService({ log, events, containers: devContainers(containers), loopback });
  ports.open();
  const devContainerService = new DevContainerService({ dataRoot, log, events, images: devImages(images, snapshots), builder: devBuilder(builds), containers: devContainers(containers), volumes: devVolumes(volumes), ports, loopback });
  await devContainerService.open();
  const endpoint = new EndpointService({ dataRoot, log, events, containers: endpointContainers(containers), devContainers: endpointDevContainers(devContainerService), agent: agentLauncher(process.argv[1] ?? '') });
  const syncs = new SyncService({ dataRoot, log });
  await syncs.reconcile();
  const checks = await openCheck({ config, log }, { containers, networks, images, volumes, builds, runner });
  return { ...checks, events, images, archives, remoteImages, served, snapshots, networks, volumes, containers, builds, devContainers: devContainerService, endpoint, syncs, ports };
}

async function openCheck({ config, log }: Pick<EngineParts, 'config' | 'log'>, parts: Pick<Services, 'containers' | 'networks' | 'images' | 'volumes' | 'builds'> & { readonly runner: StepRunner }): Promise<Pick<Services, 'check' | 'records'>> {
  const { containers, networks, images, volumes, builds, runner } = parts;
  const records = new RecordInspector([config.dataRoot, config.runRoot]);
  await records.refresh();
  const check = new CheckService({ log, inspectors: [records, containers.inspector(() => runner.running), networks.inspector(() => networkUsers(containers), () => runner.running), images.inspector(() => builds.running > 0), volumes.inspector()] });
  return { check, records };
}

async function openBuilder(parts: Pick<BuildServiceParts, 'dataRoot' | 'snapshots' | 'runner' | 'events' | 'log'> & { readonly images: ImageService; readonly caches: BuildCacheStore; readonly containers: ContainerService; readonly runRoot: string }): Promise<BuildService> {
  const { images, caches, containers, snapshots, runRoot } = parts;
  const debug = await openDebugger({ folder: join(runRoot, 'build-debug'), images, containers, snapshots });
  const builds = new BuildService({ ...parts, images: buildImages(images), caches: buildCaches(caches), collector: images, debugger: debug, cacheLimits: cacheLimitsOf(process.env), certificates: BuildCertificates.of(process.env, systemAuthorities) });
  await builds.reconcile();
  return builds;
}
