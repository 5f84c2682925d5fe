import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { silentLog } from '../../../engine/base/log.ts';
import { readJsonFile, readJsonFolder, writeJsonFile } from '../../../engine/state/jsonFile.ts';

const schema = z.object({ name: z.string() });

describe('JSON state files', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-state-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes and reads back a folder of them', async () => {
    await writeJsonFile(join(folder, 'all', 'a.json'), { name: 'a' });
    await writeJsonFile(join(folder, 'all', 'b.json'), { name: 'b' });
    assert.deepEqual([...(await readJsonFolder(join(folder, 'all'), schema, silentLog))], [['a', { name: 'a' }], ['b', { name: 'b' }]]);
  });

  for (const [what, text] of [['cut JSON', '{"name":'], ['another shape', '{"name":3}']] as const) {
    it(`sets ${what} aside, names it in the log, and reads the others`, async () => {
      await writeFile(join(folder, 'bad.json'), text);
      await writeFile(join(folder, 'good.json'), '{"name":"good"}');
      const logged: unknown[] = [];
      const read = await readJsonFolder(folder, schema, { ...silentLog, error: (_message, fields) => logged.push(fields?.['path']) });
      assert.deepEqual([...read.keys()], ['good']);
      assert.deepEqual(logged, [join(folder, 'bad.json')]);
      assert.ok((await readdir(folder)).some((name) => name.startsWith('bad.json.damaged-')));
      assert.equal(await readJsonFile(join(folder, 'bad.json'), schema, silentLog), undefined);
    });
  }
});
