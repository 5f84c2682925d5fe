import type { ImageSummary } from '../../../api/docker/image.ts';
import type { BuildService } from '../../../build/buildService.ts';
import type { ContainerService } from '../../../containers/containerService.ts';
import type { ImageRecord } from '../../../images/imageRecord.ts';
import type { ImageService } from '../../../images/imageService.ts';
import { toSummary } from '../../../images/views.ts';
import type { SnapshotStore } from '../../../snapshots/types.ts';
import type { VolumeService } from '../../../volumes/volumeService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { toResource } from './volumes.ts';

export interface DiskUsageParts {
  readonly images: Pick<ImageService, 'list'>;
  readonly snapshots: Pick<SnapshotStore, 'get' | 'list' | 'shifted'>;
  readonly containers: Pick<ContainerService, 'list' | 'usage' | 'withSizes'>;
  readonly volumes: Pick<VolumeService, 'list' | 'usersOf' | 'size'>;
  readonly builds: Pick<BuildService, 'cached'>;
}

/** `GET /system/df`, with `type=container|image|volume|build-cache` for a part of it. A layer that several images have counts once in `LayersSize`, with its copies for other ids. */
export function diskUsageRoutes(parts: DiskUsageParts): Route[] {
  return [{ method: 'GET', path: '/system/df', handle: (context, reply) => diskUsage(parts, context, reply) }];
}

async function diskUsage(parts: DiskUsageParts, { query }: RequestContext, reply: Reply): Promise<void> {
  const types = query.getAll('type');
  const wants = (type: string): boolean => types.length === 0 || types.includes(type);
  const [containers, volumes, buildCache] = await Promise.all([wants('container') ? containerUse(parts) : null, wants('volume') ? volumeUse(parts) : null, wants('build-cache') ? buildUse(parts) : null]);
  const images = wants('image') ? imageUse(parts) : null;
  reply.json(200, { LayersSize: images === null ? 0 : layersSize(parts), Images: images, Containers: containers, Volumes: volumes, BuildCache: buildCache });
}

function imageUse({ images, snapshots, containers }: DiskUsageParts): ImageSummary[] {
  const all = images.list();
  const holders = new Map<string, number>();
  for (const image of all) for (const id of layersOf(image)) holders.set(id, (holders.get(id) ?? 0) + 1);
  return all.map((image) => {
    const shared = [...layersOf(image)].filter((id) => (holders.get(id) ?? 0) > 1).reduce((sum, id) => sum + (snapshots.get(id)?.size ?? 0), 0);
    return { ...toSummary(image), SharedSize: shared, Containers: containers.usage.usersOfImage(image.id).length };
  });
}

function layersSize({ images, snapshots }: DiskUsageParts): number {
  const ids = new Set(images.list().flatMap((image) => [...layersOf(image)]));
  return [...ids].reduce((sum, id) => sum + (snapshots.get(id)?.size ?? 0), 0) + snapshots.shifted.size();
}

function layersOf(image: ImageRecord): Set<string> {
  return new Set(image.layers.map(({ snapshotId }) => snapshotId));
}

function containerUse({ containers }: DiskUsageParts): Promise<object[]> {
  return containers.withSizes(containers.list({ all: true, filters: {} }));
}

function volumeUse({ volumes }: DiskUsageParts): Promise<object[]> {
  return Promise.all(volumes.list().map(async (volume) => ({ ...toResource(volume), UsageData: { Size: await volumes.size(volume.name), RefCount: volumes.usersOf(volume.name).length } })));
}

async function buildUse({ builds, snapshots, images }: DiskUsageParts): Promise<object[]> {
  const inImages = new Set(images.list().flatMap((image) => [...layersOf(image)]));
  return (await builds.cached()).map(({ id, type, snapshotId, size, description, created, lastUsed, inUse }) => ({
    ID: id,
    Type: type,
    Description: description,
    InUse: inUse,
    Shared: snapshotId !== null && inImages.has(snapshotId),
    Size: size ?? (snapshotId === null ? 0 : (snapshots.get(snapshotId)?.size ?? 0)),
    CreatedAt: created,
    LastUsedAt: new Date(lastUsed).toISOString(),
    UsageCount: 1,
  }));
}
