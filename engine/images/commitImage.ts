import type { History, RunConfig } from '../content/oci.ts';
import { applyChanges } from './changes.ts';
import type { ImageRecord } from './imageRecord.ts';
import type { ImageService } from './imageService.ts';

/** A container's files as layers, and what the image made of them is to be like. */
export interface ImageCommit {
  /** The image that the container was made from. */
  readonly imageId: string;
  /** Base first; the last one holds the container's changes. */
  readonly snapshotIds: readonly string[];
  readonly config: RunConfig;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** '' for none. */
  readonly name: string;
  readonly comment: string;
  readonly author: string;
  readonly createdBy: string;
}

/** Records the image of a container's files; without one the layer of its changes goes. Throws INVALID_CHANGE, INVALID_REFERENCE. */
export function commitImage(images: ImageService, commit: ImageCommit): Promise<ImageRecord> {
  return images.holding((holds) => {
    commit.snapshotIds.forEach((id) => holds.add(id));
    return recordCommit(images, commit);
  });
}

async function recordCommit(images: ImageService, commit: ImageCommit): Promise<ImageRecord> {
  const config = applyChanges(commit.config, commit.changes);
  const { rootfs: _rootfs, ...base } = images.resolve(commit.imageId).config;
  const created = new Date().toISOString();
  const entry: History = { created, created_by: commit.createdBy, ...(commit.author === '' ? {} : { author: commit.author }), ...(commit.comment === '' ? {} : { comment: commit.comment }) };
  return images.addImage({
    config: { ...base, created, ...(commit.author === '' ? {} : { author: commit.author }), config, history: [...(base.history ?? []), entry] },
    snapshotIds: commit.snapshotIds,
    tags: commit.name === '' ? [] : [commit.name],
  });
}
