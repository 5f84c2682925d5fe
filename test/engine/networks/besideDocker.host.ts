import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';

const engine = join(import.meta.dirname, '../../../engine');

/** Runs in a network namespace of its own, standing for a host on which dockerd has set iptables' FORWARD policy. */
const SCRIPT = `
import { NetworkService } from '${engine}/networks/networkService.ts';
import { EventBus } from '${engine}/base/eventBus.ts';
import { silentLog } from '${engine}/base/log.ts';
import { run } from '${engine}/host/process.ts';
const [root] = process.argv.slice(1);
const forward = async () => (await run('iptables', ['-S', 'FORWARD'])).stdout.trim().split('\\n');
const service = new NetworkService({ config: { dataRoot: root + '/data', runRoot: root + '/run', socketPath: '', instance: 'tbeside', idleSeconds: 0 }, log: silentLog, events: new EventBus(), poolSize: 1 });
await run('iptables', ['-P', 'FORWARD', 'DROP']);
await service.prepare();
await service.prepare();
const during = await forward();
await service.teardown();
console.log(JSON.stringify({ during, after: await forward() }));`;

describe('networks beside Docker', () => {
  it('passes iptables’ FORWARD chain where its policy is DROP, once, and takes its rules back', async function () {
    if ((await run('sh', ['-c', 'command -v iptables'], { okStatus: 'any' })).status !== 0) this.skip();
    const root = await mkdtemp(join(tmpdir(), 'berth-beside-'));
    await run('ip', ['netns', 'add', 'berthtest-beside']);
    try {
      const { stdout } = await run('nsenter', ['--net=/run/netns/berthtest-beside', process.execPath, '--input-type=module', '-e', SCRIPT, root]);
      assert.deepEqual(JSON.parse(stdout), {
        during: ['-P FORWARD DROP', '-A FORWARD -o br-tbeside -j ACCEPT', '-A FORWARD -i br-tbeside -j ACCEPT'],
        after: ['-P FORWARD DROP'],
      });
    } finally {
      await run('ip', ['netns', 'del', 'berthtest-beside']);
      await rm(root, { recursive: true, force: true });
    }
  });
});
