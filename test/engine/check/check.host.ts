import assert from 'node:assert/strict';
import { appendFile, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkReportSchema } from '../../../engine/api/berth/check.ts';
import type { CheckReport } from '../../../engine/api/berth/check.ts';
import { cgroupFacts, CGROUP_ROOT } from '../../../engine/host/cgroups.ts';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';

const INSTANCE = 'rfchk';
const nobody = 'f'.repeat(64);

/** What `berth system check` makes of an engine whose records and kernel were pulled apart. */
describe('berth system check', () => {
  let engine: TestEngine;

  before(async () => {
    engine = await TestEngine.start({ instance: INSTANCE });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['network', 'create', 'own']);
    await engine.docker(['volume', 'create', '--label', 'a=b', 'data']);
    await engine.docker(['run', '-d', '--name', 'web', '-p', '127.0.0.1:0:80', '-v', 'data:/data', 'debian:bookworm', 'sleep', '1000']);
    await engine.docker(['run', '-d', '--name', 'named', '--network', 'own', 'debian:bookworm', 'sleep', '1000']);
    await engine.docker(['run', '--name', 'ended', 'debian:bookworm', 'true']);
    await engine.docker(['run', '-d', '--name', 'shared', '--network', 'container:web', 'debian:bookworm', 'sleep', '1000']);
    await engine.docker(['pause', (await engine.docker(['run', '-d', '--name', 'still', '--network', 'none', 'debian:bookworm', 'sleep', '1000'])).stdout.trim()]);
  });
  after(() => engine.remove());

  const check = async (...args: string[]): Promise<CheckReport & { status: number }> => {
    const { stdout, status } = await engine.berth(['system', 'check', '--json', ...args], { okStatus: [0, 1] });
    return { ...checkReportSchema.parse(JSON.parse(stdout)), status };
  };
  const codes = ({ findings }: CheckReport): string[] => findings.map(({ code }) => code).sort();

  it('finds nothing where all is in order, and says what it looked at', async () => {
    const clean = await check('--layers');
    assert.deepEqual(clean.findings, []);
    assert.equal(clean.status, 0);
    assert.equal(clean.looked['containers'], 5);
    assert.match((await engine.berth(['system', 'check'])).stdout, /Looked at 5 containers.*All is in order\.\n$/s);
  });

  it('names each thing that nothing on record has, and takes them away when asked', async () => {
    const stray = { netns: `berth-${INSTANCE}-00000000aa`, veth: 'bv00000000aa', bridge: `br-${INSTANCE}` };
    const cgroup = cgroupFacts().version === '2' ? join(CGROUP_ROOT, `berth-${INSTANCE}`, nobody) : join(CGROUP_ROOT, 'memory', `berth-${INSTANCE}`, nobody);
    const folder = join(engine.dataRoot, 'containers', nobody, 'rootfs');
    await run('ip', ['link', 'add', 'bt-rtstray', 'type', 'bridge']);
    await run('ip', ['link', 'set', 'bt-rtstray', 'alias', `berth:${engine.dataRoot}`]);
    await run('ip', ['netns', 'add', stray.netns]);
    await run('ip', ['link', 'add', stray.veth, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', stray.netns]);
    await run('ip', ['link', 'set', stray.veth, 'master', stray.bridge]);
    await run('nft', ['add', 'element', 'inet', `berth-${INSTANCE}`, 'tcp_any', '{ 4 : 10.9.9.9 . 4 }']);
    await mkdir(cgroup, { recursive: true });
    await mkdir(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', 'none', folder]);
    await mkdir(join(engine.runRoot, 'bundles', nobody));
    await writeFile(join(engine.runRoot, 'exits', nobody), '0');
    await mkdir(join(engine.dataRoot, 'volumes', '.new-00'));
    const found = await check();
    assert.equal(found.status, 1);
    assert.deepEqual(codes(found), ['ORPHAN_BRIDGE', 'ORPHAN_CGROUP', 'ORPHAN_FOLDER', 'ORPHAN_FOLDER', 'ORPHAN_FOLDER', 'ORPHAN_FOLDER', 'ORPHAN_MOUNT', 'ORPHAN_NETNS', 'ORPHAN_NFT_RULE', 'ORPHAN_VETH']);
    assert.ok(found.findings.every(({ repairable, advice }) => repairable && advice.includes('--repair')));
    const mended = await check('--repair');
    assert.equal(mended.status, 0, JSON.stringify(mended.findings));
    assert.deepEqual((await check()).findings, []);
  });

  it('brings the rules back when somebody flushed them', async () => {
    await run('nft', ['delete', 'table', 'inet', `berth-${INSTANCE}`]);
    assert.deepEqual(codes(await check()), ['NFT_TABLE_MISSING']);
    assert.equal((await check('--repair')).status, 0);
    assert.match((await run('nft', ['list', 'table', 'inet', `berth-${INSTANCE}`])).stdout, /tcp_one/);
  });

  it('notices a container whose process and monitor are gone, and records its end', async () => {
    const { process: main, monitor } = JSON.parse(await readFile(join(engine.dataRoot, 'containers', await idOf('named'), 'state.json'), 'utf8')) as { process: { pid: number }; monitor: { pid: number } };
    process.kill(monitor.pid, 'SIGKILL');
    process.kill(main.pid, 'SIGKILL');
    const found = await check();
    assert.deepEqual(codes(found), ['CONTAINER_PROCESS_GONE']);
    assert.equal(found.findings[0]?.object, 'named');
    assert.equal((await check('--repair')).status, 0);
    assert.equal((await engine.docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'named'])).stdout, 'exited 255\n');
  });

  it('notices damage on disk: a blob, a layer, a volume, a record', async () => {
    const blobs = join(engine.dataRoot, 'content/blobs/sha256');
    const [blob = ''] = await readdir(blobs);
    const good = await readFile(join(blobs, blob));
    await appendFile(join(blobs, blob), ' ');
    const [layer = ''] = await readdir(join(engine.dataRoot, 'snapshots'));
    const inLayer = join(engine.dataRoot, 'snapshots', layer, 'fs/etc/debian_version');
    const version = await readFile(inLayer);
    await writeFile(inLayer, 'x'.repeat(version.length));
    const state = join(engine.dataRoot, 'containers', await idOf('ended'), 'state.json');
    const stateText = await readFile(state);
    await truncate(state, 7);
    await rm(join(engine.dataRoot, 'volumes/data/_data'), { recursive: true });
    const found = await check('--layers');
    assert.deepEqual(codes(found), ['BLOB_CORRUPT', 'CONTAINER_VOLUME_MISSING', 'LAYER_CHANGED', 'RECORD_UNREADABLE', 'VOLUME_MISSING']);
    assert.match(found.findings.find(({ code }) => code === 'BLOB_CORRUPT')?.seen ?? '', /debian:bookworm/);
    await writeFile(join(blobs, blob), good);
    await writeFile(inLayer, version);
    await writeFile(state, stateText);
    await mkdir(join(engine.dataRoot, 'volumes/data/_data'));
    assert.deepEqual((await check()).findings, []);
  });

  async function idOf(name: string): Promise<string> {
    return (await engine.docker(['inspect', '-f', '{{.Id}}', name])).stdout.trim();
  }
});
