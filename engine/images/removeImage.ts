import { familiarTag, parseReference } from '../registry/reference.ts';
import { imageHasNames, imageInUse } from './errors.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageStore } from './imageStore.ts';

export interface RemovedImage {
  readonly untagged?: string;
  readonly deleted?: string;
}

export interface RemoveParts {
  readonly store: ImageStore;
  /** Containers that use an image, as people name them. */
  readonly inUse: (imageId: string) => readonly string[];
  /** Removes those of the snapshots that nothing needs. */
  readonly collect: (snapshotIds: Iterable<string>) => Promise<unknown>;
  readonly announce: (action: 'untag' | 'delete', image: ImageRecord, name: string) => void;
}

/** Takes the name away that `ref` is; the last one takes the image along. By id, all names go (several need `force`). Throws IMAGE_IN_USE, IMAGE_HAS_NAMES. */
export async function removeImage(parts: RemoveParts, image: ImageRecord, ref: string, force: boolean): Promise<RemovedImage[]> {
  const named = image.repoTags.find((tag) => tag === nameIn(ref));
  const others = image.repoTags.filter((tag) => tag !== named);
  if (named !== undefined && others.length > 0) return untag(parts, image, named);
  if (named === undefined && image.repoTags.length > 1 && !force) throw imageHasNames({ image: image.id.slice(7, 19), names: image.repoTags.join(', ') });
  const users = [...new Set([image, ...(image.index?.images ?? [])].map(({ id }) => id))].flatMap(parts.inUse);
  if (users.length > 0 && named !== undefined && force) return untag(parts, image, named);
  if (users.length > 0) throw imageInUse({ image: named ?? image.id.slice(7, 19), containers: users.join(', '), detail: force ? 'cannot be forced' : 'must be forced' });
  return removeWhole(parts, image);
}

async function untag({ store, announce }: RemoveParts, image: ImageRecord, tag: string): Promise<RemovedImage[]> {
  await store.untag([tag]);
  announce('untag', image, tag);
  return [{ untagged: tag }];
}

async function removeWhole({ store, collect, announce }: RemoveParts, image: ImageRecord): Promise<RemovedImage[]> {
  await collect(await store.exclusively(() => store.remove(image.id)));
  for (const tag of image.repoTags) announce('untag', image, tag);
  announce('delete', image, image.id);
  return [...image.repoTags.map((untagged) => ({ untagged })), ...image.repoDigests.map((untagged) => ({ untagged })), { deleted: image.id }];
}

/** `ref` as a name of this store, if it is one. */
export function nameIn(ref: string): string | undefined {
  try {
    return familiarTag(parseReference(ref));
  } catch {
    return undefined;
  }
}
