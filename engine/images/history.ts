import type { ImageHistoryItem } from '../api/docker/image.ts';
import type { ImageRecord } from './imageRecord.ts';
import { seconds } from './views.ts';

/** How an image was made, newest step first. `sizeOf` gives the bytes of a snapshot. Images without a history show their layers. */
export function imageHistory(image: ImageRecord, sizeOf: (snapshotId: string) => number): ImageHistoryItem[] {
  const layers = [...image.layers];
  const recorded = image.config.history ?? [];
  const steps = recorded.length > 0 ? recorded : layers.map(() => ({ created: image.created }));
  const items = steps.map((step): ImageHistoryItem => {
    const layer = 'empty_layer' in step && step.empty_layer === true ? undefined : layers.shift();
    return {
      Id: '<missing>',
      Created: seconds(step.created),
      CreatedBy: 'created_by' in step ? (step.created_by ?? '') : '',
      Tags: null,
      Size: layer ? sizeOf(layer.snapshotId) : 0,
      Comment: 'comment' in step ? (step.comment ?? '') : '',
    };
  });
  items.reverse();
  const [top] = items;
  if (top) items[0] = { ...top, Id: image.id, Tags: [...image.repoTags] };
  return items;
}
