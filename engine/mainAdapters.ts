import { createContainerSchema } from './api/docker/container.ts';
import type { BuildCaches, BuildImages } from './build/ports.ts';
import type { BuildService } from './build/buildService.ts';
import { requestFromBody } from './build/requestFromBody.ts';
import { badRequest } from './base/errors.ts';
import { fitsPlatform, hostPlatform, parsePlatform } from './base/platform.ts';
import type { Platform } from './base/platform.ts';
import type { ContainerService } from './containers/containerService.ts';
import type { Images as ContainerImages } from './containers/ports.ts';
import { notRunning } from './containers/errors.ts';
import type { DevBuilder, DevContainers, DevImages, DevVolumes } from './devcontainers/ports.ts';
import type { BuildCacheStore } from './images/cache/buildCaches.ts';
import { commitImage } from './images/commitImage.ts';
import { readAccount, runningFacts } from './containers/account.ts';
import { devcontainerId, idLabels } from './devcontainers/config/devcontainerId.ts';
import type { DevContainerService } from './devcontainers/devContainerService.ts';
import type { EndpointContainers, EndpointDevContainer, EndpointDevContainers } from './endpoint/ports.ts';
import type { ImageRecord } from './images/imageRecord.ts';
import type { ImageService } from './images/imageService.ts';
import type { NetworkUser } from './networks/inspection.ts';
import { toCredentials } from './registry/auth.ts';
import type { Credentials, RegistryAuths } from './registry/auth.ts';
import { parseReference } from './registry/reference.ts';
import type { SnapshotStore } from './snapshots/types.ts';
import type { VolumeService } from './volumes/volumeService.ts';

/** What the builder needs, from the image service. */
export function buildImages(images: ImageService): BuildImages {
  return {
    resolve: (ref, platform) => (platform ? images.resolveFor(ref, platform) : images.resolve(ref)),
    obtain: (ref, ctx) => images.obtain(ref, { ...withCredentials(ctx.auths, ref), ...otherPlatform(ctx.platform) }, ctx),
    addImage: (image) => images.addImage(image),
    addIndex: (members, tags, annotations) => images.addIndex(members.map(({ imageId, ...said }) => ({ image: images.resolve(imageId), ...said })), tags, annotations),
    discardIndex: (digest) => images.discardIndex(digest),
    sbom: (imageId, signal) => images.sbom(imageId, undefined, signal),
    tag: (id, name) => images.tagImage(id, name),
    fromLayout: (path, ref, platform, ctx) => images.loadLayout(path, ref, platform, ctx),
    readConfig: (id) => images.readConfig(id),
  };
}

/** What the builder needs of caches outside. */
export function buildCaches(caches: BuildCacheStore): BuildCaches {
  const credentialsFor = (auths: RegistryAuths | undefined, ref: string): Credentials | undefined => withCredentials(auths, ref).credentials;
  return {
    open: (source, platforms, auths, signal) => caches.open(source, platforms, source.type === 'local' ? undefined : credentialsFor(auths, source.ref), signal),
    push: (ref, cache, auths, ctx) => caches.push(ref, cache, credentialsFor(auths, ref), ctx),
  };
}

/** What containers need, from the image service. */
export function containerImages(images: ImageService): ContainerImages {
  const resolve = (ref: string, platform?: string): ImageRecord => {
    const [image, wanted] = [images.resolve(ref), platform === undefined ? undefined : parsePlatform(platform)];
    return (wanted && image.index?.images.find(({ config }) => fitsPlatform(config, wanted))) ?? image;
  };
  return { resolve, commit: (commit) => commitImage(images, commit) };
}

/** What dev containers need, from the image service and the layers' store. */
export function devImages(images: ImageService, snapshots: SnapshotStore): DevImages {
  const layers = (imageId: string): string[] => images.resolve(imageId).layers.map(({ snapshotId }) => snapshotId);
  return {
    resolve: (ref) => images.resolve(ref),
    obtain: (ref, ctx) => images.obtain(ref, withCredentials(ctx.auths, ref), ctx),
    hasLayersFor: (imageId, keepId) => layers(imageId).every((id) => snapshots.shifted.has({ id, keepId })),
    copyLayersFor: (imageId, keepId) => snapshots.shifted.ensure(layers(imageId), keepId),
    layerFolders: (imageId) => layers(imageId).map((id) => snapshots.lowerDir(id)).reverse(),
  };
}

export function devBuilder(builds: BuildService): DevBuilder {
  return { build: ({ request, auths }, ctx) => builds.build({ ...requestFromBody(request), ...(auths ? { auths } : {}) }, ctx) };
}

/** What dev containers need, from the container service: its own functions, and create requests checked like any client's. */
export function devContainers(containers: ContainerService): DevContainers {
  return {
    execs: containers.execs,
    create: (request, name) => containers.create(createContainerSchema.parse(request), name),
    start: (id) => containers.start(id),
    stop: (id, options) => containers.stop(id, options),
    remove: (id, options) => containers.remove(id, options),
    list: (options) => containers.list(options),
    inspect: (id) => containers.inspect(id),
  };
}

/** Where the engine reaches a container's ports. Throws NO_SUCH_CONTAINER, CONTAINER_NOT_RUNNING, BAD_REQUEST when it has no network. */
export function containerAddress(containers: ContainerService, ref: string): string {
  const container = containers.find(ref);
  const { mode } = container.record.network;
  if (!container.running) throw notRunning({ id: container.id });
  if (mode === 'host') return '127.0.0.1';
  if (mode.startsWith('container:')) return containerAddress(containers, mode.slice('container:'.length));
  const [endpoint] = containers.parts.networks.endpoints(container.id);
  if (!endpoint || endpoint.ip === '') throw badRequest({ what: `container ${ref}`, detail: 'it has no network, so none of its ports can be reached' });
  return endpoint.ip;
}

/** The running containers, as their networks see them. */
export function networkUsers({ parts }: ContainerService): NetworkUser[] {
  return parts.store.list().filter(({ running }) => running).map(({ id, record, state }) => {
    const { mode } = record.network;
    return { id, name: record.name, pid: state.process?.pid ?? 0, attached: mode !== 'host' && !mode.startsWith('container:') };
  });
}

/** What the SSH endpoint needs, from the container service. */
export function endpointContainers(containers: ContainerService): EndpointContainers {
  return {
    execs: containers.execs,
    find: (ref) => {
      const { id, record, state } = containers.find(ref);
      return { id, name: record.name, state: state.status, user: record.config.User || 'root' };
    },
    running: (id) => ({ id, ...runningFacts(containers.find(id)) }),
    account: (id, user) => readAccount(containers.find(id), user),
  };
}

/** What the SSH endpoint needs, from the dev containers. */
export function endpointDevContainers(service: DevContainerService): EndpointDevContainers {
  const byId = ({ containerId }: EndpointDevContainer) => service.list().find((one) => one.containerId === containerId);
  return {
    list: () => service.list().map(({ containerId, folder, configFile, state }) => ({ id: devcontainerId(idLabels(folder, configFile)), containerId, folder, configFile, state })),
    remoteUser: async (one) => {
      const found = byId(one);
      return found ? service.remoteUser(found) : 'root';
    },
    execSpec: ({ folder, configFile }, localEnv, signal) => service.execSpec({ folder, config: configFile, localEnv }, signal),
  };
}

export function devVolumes(volumes: VolumeService): DevVolumes {
  return {
    remove: async (name) => {
      // One that a container still has is that container's.
      if (volumes.usersOf(name).length === 0) await volumes.remove(name, { force: true });
    },
  };
}

/** What is for another platform does not take a name away from what this host runs. */
function otherPlatform(platform: Platform | undefined): { platform?: Platform; keepName?: boolean } {
  return platform ? { platform, keepName: !fitsPlatform(platform, hostPlatform()) } : {};
}

/** Docker's clients key the credentials of a build by host; Docker Hub's by the address of its old API. */
function withCredentials(auths: RegistryAuths | undefined, ref: string): { credentials?: Credentials } {
  const { domain } = parseReference(ref);
  const found = auths?.[domain] ?? (domain === 'docker.io' ? auths?.['https://index.docker.io/v1/'] : undefined);
  const credentials = found && toCredentials({ username: found.username, password: found.password, auth: found.auth, identitytoken: found.identitytoken, registrytoken: found.registrytoken });
  return credentials ? { credentials } : {};
}
