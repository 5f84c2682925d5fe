import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { baseTar } from '../../../support/base.ts';
import { TestEngine } from '../../../support/engine.ts';

interface Row {
  readonly Type: string;
  readonly TotalCount: string;
  readonly Active: string;
  readonly Size: string;
  readonly Reclaimable: string;
}

describe('/system/df', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'dfroute' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
  });
  after(() => engine.remove());
  const docker = async (): Promise<Map<string, Row>> => {
    const { stdout } = await engine.docker(['system', 'df', '--format', '{{json .}}']);
    return new Map(stdout.trim().split('\n').map((line) => JSON.parse(line) as Row).map((row) => [row.Type, row]));
  };

  it('tells the docker CLI and berth what images, containers, volumes and the build cache take', async () => {
    const context = join(engine.root, 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), 'FROM debian:bookworm\nRUN --mount=type=cache,target=/c head -c 3000000 /dev/zero > /c/kept\nRUN head -c 5000000 /dev/zero > /big\n');
    await engine.berth(['build', '-q', '-t', 'built', context]);
    await engine.docker(['run', '-d', '--name', 'busy', '-v', 'vol:/data', 'built', 'sh', '-c', 'head -c 2000000 /dev/zero > /data/x; head -c 1000000 /dev/zero > /own; sleep 1000']);
    await engine.docker(['exec', 'busy', 'sh', '-c', 'until [ "$(stat -c %s /own)" = 1000000 ]; do sleep 0.05; done']);
    await engine.docker(['volume', 'create', 'empty']);
    const rows = await docker();
    assert.deepEqual([rows.get('Images')?.TotalCount, rows.get('Images')?.Active], ['2', '1']);
    assert.deepEqual([rows.get('Containers')?.Active, rows.get('Containers')?.Size], ['1', '1MB']);
    assert.deepEqual([rows.get('Local Volumes')?.TotalCount, rows.get('Local Volumes')?.Active, rows.get('Local Volumes')?.Size], ['2', '1', '2MB']);
    assert.match((await engine.berth(['system', 'df'])).stdout, /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +2 +1 /);
    const ours = JSON.parse((await engine.berth(['system', 'df', '--json'])).stdout) as Array<{ type: string; size: number; total: number }>;
    assert.equal(ours.find(({ type }) => type === 'Local Volumes')?.size, 2_000_000);
    assert.ok((ours.find(({ type }) => type === 'Build Cache')?.size ?? 0) >= 3_000_000);
    assert.match((await engine.docker(['ps', '-s', '--format', '{{.Size}}'])).stdout, /^1\.?\d*MB \(virtual 1?\d\d\.?\d*MB\)/);
    await engine.docker(['rm', '-f', 'busy']);
    await engine.docker(['builder', 'prune', '-af']);
    assert.equal((await docker()).get('Containers')?.TotalCount, '0');
  });

  it('of all hosts is this machine’s where there are none, and says which host cannot be reached', async () => {
    const env = { XDG_CONFIG_HOME: join(engine.root, 'config') };
    assert.match((await engine.berth(['system', 'df', '--all-hosts'], { env })).stdout, /^HOST +TYPE .*\nlocal +Images /);
    await engine.berth(['host', 'add', 'ssh://nobody@127.0.0.1:1', '--name', 'gone'], { env });
    const { status, stdout, stderr } = await engine.berth(['system', 'df', '--all-hosts'], { env, okStatus: [1] });
    assert.equal(status, 1);
    assert.match(stdout, /\nlocal +Volumes|\nlocal +Local Volumes/);
    assert.match(stderr, /^berth: gone: /m);
  });
});
