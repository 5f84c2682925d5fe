import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { prepareParentV2 } from '../../../engine/host/cgroupParent.ts';
import { commonAncestor, controllersV2, mayMakeV2, swapLimitV2 } from '../../../engine/host/cgroups.ts';

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

  it('limit in what the group above has, by the names of version 1', () => {
    tree('given/cgroup.procs');
    writeFileSync(join(root, 'given/cgroup.controllers'), 'cpuset io pids hugetlb\n');
    assert.deepEqual([...controllersV2(join(root, 'given'))], ['cpuset', 'pids', 'blkio']);
    assert.deepEqual([...controllersV2(join(root, 'nowhere'))], []);
  });

  it('share the nearest group above', () => {
    const [scope, session] = ['/user.slice/user-1000.slice/user@1000.service/app.slice/berth.scope', '/user.slice/user-1000.slice/session-6.scope'];
    assert.equal(commonAncestor(`${scope}/containers`, `${scope}/engine`), scope);
    assert.equal(commonAncestor(`${scope}/containers`, session), '/user.slice/user-1000.slice');
    assert.equal(commonAncestor('/berth', '/system.slice/ssh.service'), '/');
    assert.equal(commonAncestor('/berth', '/berth'), '/berth');
    assert.equal(commonAncestor('/ab', '/a'), '/');
  });

  it('may be made only by who may move processes there: a login session’s may not', () => {
    tree('user/manager/scope/containers/cgroup.procs');
    const [parent, engine] = ['/user/manager/scope/containers', '/user/manager/scope/engine'];
    const mine = (path: string): boolean => path.startsWith(join(root, 'user/manager'));
    assert.deepEqual([engine, '/user/manager/other', '/user/session', '/'].map((own) => mayMakeV2(root, parent, own, mine)), [true, true, false, false]);
    assert.equal(mayMakeV2(root, '/user/manager/scope/not/yet', engine, mine), true);
    assert.equal(mayMakeV2(root, parent, engine, (path) => mine(path) && !path.endsWith('/containers')), false);
    assert.equal(mayMakeV2(root, '/berth', '/system.slice/x', () => true), true);
  });

  it('are given every controller on the way down, those that are missing only', async () => {
    tree('scope/cgroup.procs');
    writeFileSync(join(root, 'scope/cgroup.controllers'), 'cpu memory\n');
    writeFileSync(join(root, 'scope/cgroup.subtree_control'), 'cpu\n');
    await prepareParentV2(root, '/scope/containers');
    assert.equal(readFileSync(join(root, 'scope/cgroup.subtree_control'), 'utf8'), '+memory');
    await prepareParentV2(root, '/scope/containers'); // also when it is there
  });

  it('are made below a root that is a group itself, as in a container, after its processes were moved out of it', async () => {
    tree('cgroup.type');
    writeFileSync(join(root, 'cgroup.procs'), '1\n');
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory\n');
    writeFileSync(join(root, 'cgroup.subtree_control'), '');
    await prepareParentV2(root, '/berth');
    assert.equal(readFileSync(join(root, 'init/cgroup.procs'), 'utf8'), '1');
    assert.equal(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'), ''); // it was not empty yet: with half of them no process could enter
    writeFileSync(join(root, 'cgroup.procs'), ''); // as the kernel does it at once
    await prepareParentV2(root, '/berth');
    assert.equal(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'), '+memory');
    writeFileSync(join(root, 'cgroup.procs'), '2\n');
    for (const file of ['cgroup.type', 'cgroup.procs']) tree(`given/${file}`);
    writeFileSync(join(root, 'given/cgroup.procs'), '3\n');
    await prepareParentV2(root, '/given/berth');
    assert.deepEqual(['init', 'given/init'].map((group) => readFileSync(join(root, group, 'cgroup.procs'), 'utf8')), ['1', '3']); // not those of groups above the user's
  });
});
