import type { ImageInspect, ImageSummary } from '../api/docker/image.ts';
import type { ImageRecord } from './imageRecord.ts';

/** An image as `GET /images/json` lists it. */
export function toSummary(image: ImageRecord): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Created: seconds(image.created),
    Size: image.size,
    SharedSize: -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: -1,
  };
}

/** An image as `GET /images/{name}/json` shows it. `lowerDir` gives the folder of a snapshot. */
export function toInspect(image: ImageRecord, lowerDir: (snapshotId: string) => string): ImageInspect {
  const { config } = image;
  const [top, ...lower] = image.layers.map(({ snapshotId }) => lowerDir(snapshotId)).reverse();
  return {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: image.created,
    DockerVersion: '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Name: 'overlay2', Data: { ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }), ...(top === undefined ? {} : { UpperDir: top }) } },
    RootFS: { Type: 'layers', Layers: image.layers.map(({ diffId }) => diffId) },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
  };
}

/** RFC 3339 as seconds since 1970; 0 for what cannot be read. */
export function seconds(time: string | undefined): number {
  const value = Date.parse(time ?? '');
  return Number.isNaN(value) ? 0 : Math.floor(value / 1000);
}
