import type { FileSnapshotStore } from '../../snapshots/fileSnapshotStore.ts';
import type { Predicate } from '../attestations.ts';
import { LayerFiles } from '../diffImages.ts';
import type { ImageRecord } from '../imageRecord.ts';
import { imageTree } from '../imageTree.ts';
import { collectPackages } from './collectPackages.ts';
import { SPDX_PREDICATE, spdxDocument } from './spdx.ts';

/** What is installed in an image that is here. */
export async function imageSbom(snapshots: FileSnapshotStore, image: ImageRecord, signal: AbortSignal): Promise<Predicate> {
  return { predicateType: SPDX_PREDICATE, predicate: spdxDocument(image, await collectPackages(new LayerFiles(snapshots), await imageTree(snapshots, image), signal)) };
}
