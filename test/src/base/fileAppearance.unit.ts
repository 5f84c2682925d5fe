import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileAppearance } from '../../../src/base/fileAppearance.ts';

describe('noticing that a socket appears', () => {
  let root: string;
  let heard = 0;
  let watcher: FileAppearance;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-appear-'));
    heard = 0;
    watcher = new FileAppearance(join(root, 'a', 'b', 'x.sock'), () => (heard += 1));
  });

  afterEach(async () => {
    watcher.dispose();
    await rm(root, { recursive: true, force: true });
  });

  async function until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 400 && !condition(); turn += 1) await delay(5);
    assert.ok(condition());
  }

  it('in a folder that is made later', async () => {
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    await until(() => heard > 0);
    heard = 0;
    await writeFile(join(root, 'a', 'b', 'x.sock'), '');
    await until(() => heard > 0);
  });

  it('in a folder that was removed and made again', async () => {
    const folder = join(root, 'a', 'b');
    await mkdir(folder, { recursive: true });
    await until(() => heard > 0);
    await rm(join(root, 'a'), { recursive: true });
    await delay(50);
    await mkdir(folder, { recursive: true });
    await delay(50);
    heard = 0;
    await writeFile(join(folder, 'x.sock'), '');
    await until(() => heard > 0);
  });

  it('hears nothing of other files beside it, nor anything once disposed', async () => {
    const folder = join(root, 'a', 'b');
    await mkdir(folder, { recursive: true });
    await until(() => heard > 0);
    await delay(50);
    heard = 0;
    await writeFile(join(folder, 'other'), '');
    await delay(50);
    assert.equal(heard, 0);
    watcher.dispose();
    await writeFile(join(folder, 'x.sock'), '');
    await delay(50);
    assert.equal(heard, 0);
  });
});
