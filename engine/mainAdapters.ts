import { createContainerSchema } from './api/docker/container.ts';
import type { BuildImages, RegistryAuths } from './build/ports.ts';
import type { BuildService } from './build/buildService.ts';
import type { ContainerService } from './containers/containerService.ts';
import type { DevBuilder, DevContainers, DevImages, DevVolumes } from './devcontainers/ports.ts';
import type { ImageService } from './images/imageService.ts';
import type { Credentials } from './registry/auth.ts';
import { parseReference } from './registry/reference.ts';
import type { SnapshotStore } from './snapshots/types.ts';
import type { VolumeService } from './volumes/volumeService.ts';

/** What the builder needs, from the image service. */
export function buildImages(images: ImageService): BuildImages {
  return {
    resolve: (ref) => images.resolve(ref),
    obtain: (ref, ctx) => images.obtain(ref, withCredentials(ctx.auths, ref), ctx),
    addImage: (image) => images.addImage(image),
    tag: (ref, name) => images.tag(ref, name),
  };
}

/** What dev containers need, from the image service and the layers' store. */
export function devImages(images: ImageService, snapshots: SnapshotStore): DevImages {
  return {
    resolve: (ref) => images.resolve(ref),
    obtain: (ref, ctx) => images.obtain(ref, {}, ctx),
    layerFolders: (imageId) => images.resolve(imageId).layers.map(({ snapshotId }) => snapshots.lowerDir(snapshotId)).reverse(),
  };
}

export function devBuilder(builds: BuildService): DevBuilder {
  return { build: (request, ctx) => builds.build(request, ctx) };
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

export function devVolumes(volumes: VolumeService): DevVolumes {
  return {
    remove: async (name) => {
      // One that a container still has is that container's.
      if (volumes.usersOf(name).length === 0) await volumes.remove(name, { force: true });
    },
  };
}

/** Docker's clients key the credentials of a build by host; Docker Hub's by the address of its old API. */
function withCredentials(auths: RegistryAuths | undefined, ref: string): { credentials?: Credentials } {
  const { domain } = parseReference(ref);
  const found = auths?.[domain] ?? (domain === 'docker.io' ? auths?.['https://index.docker.io/v1/'] : undefined);
  return found?.username && found.password ? { credentials: { username: found.username, password: found.password } } : {};
}
