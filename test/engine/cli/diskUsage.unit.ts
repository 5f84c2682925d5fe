import assert from 'node:assert/strict';
import { summary } from '../../../engine/cli/commands/system/diskUsage.ts';

describe('berth system df', () => {
  it('sums up as Docker’s command does', () => {
    const image = (Size: number, SharedSize: number, Containers: number) => ({ Id: 'x', Size, SharedSize, Containers });
    const lines = summary({
      LayersSize: 260,
      Images: [image(150, 100, 1), image(160, 100, 0), image(50, 0, 0)],
      Containers: [{ Id: 'a', State: 'running', SizeRw: 7 }, { Id: 'b', State: 'exited', SizeRw: 5 }],
      Volumes: [{ Name: 'v', UsageData: { Size: 10, RefCount: 1 } }, { Name: 'w', UsageData: { Size: 20, RefCount: 0 } }],
      BuildCache: [{ ID: '1', Size: 3, InUse: false, Shared: false }, { ID: '2', Size: 100, InUse: false, Shared: true }],
    });
    assert.deepEqual(
      lines.map(({ type, total, active, size, reclaimable }) => [type, total, active, size, reclaimable]),
      [['Images', 3, 1, 260, 110], ['Containers', 2, 1, 12, 5], ['Local Volumes', 2, 1, 30, 20], ['Build Cache', 1, 0, 3, 3]],
    );
  });

  it('is zero where there is nothing', () => {
    assert.deepEqual(summary({ LayersSize: 0 }).map(({ size, reclaimable }) => [size, reclaimable]), [[0, 0], [0, 0], [0, 0], [0, 0]]);
  });
});
