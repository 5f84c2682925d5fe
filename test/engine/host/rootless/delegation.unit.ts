import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delegatedParent, hasUserManager, scopeName } from '../../../../engine/host/rootless/delegation.ts';

describe('control groups for an ordinary user', () => {
  it('are asked of a systemd that runs for the user, and only where groups of version 2 can be delegated', () => {
    const facts = { version: '2', runtimeDir: '/run/user/1000', exists: () => true } as const;
    assert.equal(hasUserManager(facts), true);
    assert.equal(hasUserManager({ ...facts, version: '1' }), false);
    assert.equal(hasUserManager({ ...facts, runtimeDir: undefined }), false);
    for (const absent of ['/run/systemd/system', '/run/user/1000/systemd/private']) assert.equal(hasUserManager({ ...facts, exists: (path) => path !== absent }), false, absent);
  });

  it('belong to one keeper: another instance or a later keeper has another scope', () => {
    assert.equal(scopeName('berth', '/run/user/1000/berth/keepers/a1b2c3'), 'berth-berth-a1b2c3.scope');
  });

  it('are below the parent that the keeper’s folder names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-keeper-'));
    try {
      assert.deepEqual([await delegatedParent(undefined), await delegatedParent(folder)], [undefined, undefined]);
      writeFileSync(join(folder, 'cgroup'), ''); // cut short
      assert.equal(await delegatedParent(folder), undefined);
      writeFileSync(join(folder, 'cgroup'), '/user.slice/x.scope/containers\n');
      assert.equal(await delegatedParent(folder), '/user.slice/x.scope/containers');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
