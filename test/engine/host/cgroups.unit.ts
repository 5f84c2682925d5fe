import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { swapLimitV2 } from '../../../engine/host/cgroups.ts';

describe('control groups of version 2', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'berth-cgroups-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const tree = (...files: string[]): string => {
    for (const file of files) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    return root;
  };

  it('have a limit on swap where the groups below the root have its file', () => {
    assert.equal(swapLimitV2(tree('cgroup.controllers', 'init.scope/cgroup.procs', 'system.slice/memory.max', 'system.slice/memory.swap.max')), true);
  });

  it('have none when the kernel was started without swap accounting', () => {
    assert.equal(swapLimitV2(tree('cgroup.controllers', 'system.slice/memory.max', 'user.slice/memory.max')), false);
  });

  it('are believed to have one where nothing below the root has the memory controller yet', () => {
    assert.equal(swapLimitV2(tree('cgroup.controllers', 'system.slice/cgroup.procs')), true);
  });
});
