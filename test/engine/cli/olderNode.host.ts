import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { bundle } from '../../support/engine.ts';

/** Node 20, which fresh machines have, lacks zstd and some of what else the engine uses. */
describe('the command line under an older Node', () => {
  it('hands over to the pinned one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-older-node-'));
    try {
      const older = join(folder, 'older.cjs');
      await writeFile(older, "for (const name of Object.keys(require('node:zlib'))) if (/zstd/i.test(name)) delete require('node:zlib')[name];\n");
      const { stdout } = await run(process.execPath, ['--require', older, bundle, 'host', '--help']);
      assert.match(stdout, /berth host/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
