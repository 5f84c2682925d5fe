import type { SnapshotStore } from '../snapshots/types.ts';
import { imageInUse } from './errors.ts';
import { filterImages, isDangling } from './filters.ts';
import type { ImageFilters } from './filters.ts';
import type { ImageService } from './imageService.ts';
import type { RemovedImage } from './removeImage.ts';

/** Removes the images that pass the filters and have no name; with `all` also named ones. Those that a container uses stay; so do the copies of their layers for other ids, of which the rest goes. `freed`: bytes. */
export async function pruneImages(images: ImageService, snapshots: SnapshotStore, options: { all: boolean; filters: ImageFilters }): Promise<{ removed: RemovedImage[]; freed: number }> {
  const doomed = filterImages(images.list(), options.filters, (ref) => images.resolve(ref)).filter((image) => options.all || isDangling(image));
  const sizes = new Map(doomed.flatMap(({ layers }) => layers).map(({ snapshotId }) => [snapshotId, snapshots.get(snapshotId)?.size ?? 0]));
  const removed: RemovedImage[] = [];
  for (const image of doomed) removed.push(...(await removeUnused(images, image.id)));
  const freed = [...sizes].filter(([id]) => snapshots.get(id) === undefined).reduce((total, [, size]) => total + size, 0);
  return { removed, freed: freed + (await images.pruneCopies()) };
}

async function removeUnused(images: ImageService, id: string): Promise<RemovedImage[]> {
  try {
    return await images.remove(id, { force: true });
  } catch (error) {
    if (imageInUse.is(error)) return [];
    throw error;
  }
}
