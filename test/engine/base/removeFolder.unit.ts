import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from '../../../engine/base/removeFolder.ts';

describe('removing a folder', () => {
  let root: string;
  before(() => void (root = mkdtempSync(join(tmpdir(), 'berth-remove-'))));
  after(() => rmSync(root, { recursive: true, force: true }));

  const made = (name: string, files: number): string => {
    const path = join(root, name);
    mkdirSync(join(path, 'below/below'), { recursive: true });
    for (let index = 0; index < files; index++) writeFileSync(join(path, 'below', `file-${index}`), '');
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff])]), '');
    symlinkSync(root, join(path, 'link'));
    return path;
  };

  it('takes all in it along, be it little or much, and nothing that links lead to', async () => {
    const kept = join(root, 'kept');
    writeFileSync(kept, '');
    for (const path of [made('few', 3), made('many', 500), join(root, 'absent')]) {
      await removeFolder(path);
      assert.equal(existsSync(path), false, path);
    }
    assert.ok(existsSync(kept));
  });
});
