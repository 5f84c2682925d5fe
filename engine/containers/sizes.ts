import { treeSize } from '../snapshots/treeSize.ts';
import type { ContainerParts } from './parts.ts';

/** Adds to listed containers what they take on disk, in bytes: `SizeRw` their own files, `SizeRootFs` with those of their images. */
export function withSizes({ store, snapshots }: Pick<ContainerParts, 'store' | 'snapshots'>, listed: readonly object[]): Promise<object[]> {
  return Promise.all(
    listed.map(async (row) => {
      const container = 'Id' in row && typeof row.Id === 'string' ? store.get(row.Id) : undefined;
      if (!container) return row;
      const SizeRw = await treeSize(container.paths.upper);
      const image = container.record.snapshots.reduce((sum, id) => sum + (snapshots.get(id)?.size ?? 0), 0);
      return { ...row, SizeRw, SizeRootFs: SizeRw + image };
    }),
  );
}
