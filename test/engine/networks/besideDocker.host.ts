import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';

const engine = join(import.meta.dirname, '../../../engine');

/** Runs in a network namespace of its own, standing for a host on which dockerd has set iptables' FORWARD policy, and ufw that of INPUT. */
const SCRIPT = `
import { NetworkService } from '${engine}/networks/networkService.ts';
import { EventBus } from '${engine}/base/eventBus.ts';
import { silentLog } from '${engine}/base/log.ts';
import { run } from '${engine}/host/process.ts';
const [root] = process.argv.slice(1);
const rules = async (program, chain) => (await run(program, ['-S', chain])).stdout.trim().split('\\n');
const forward = async () => [...(await rules('iptables', 'FORWARD')), ...(await rules('iptables', 'INPUT')), ...(await rules('ip6tables', 'FORWARD')).map((rule) => '6 ' + rule)];
const service = new NetworkService({ config: { dataRoot: root + '/data', runRoot: root + '/run', socketPath: '', instance: 'rdbesid', idleSeconds: 0 }, log: silentLog, events: new EventBus(), poolSize: 1 });
for (const chain of ['FORWARD', 'INPUT']) await run('iptables', ['-P', chain, 'DROP']);
await run('ip6tables', ['-P', 'FORWARD', 'DROP']);
await service.prepare();
const { bridge, gateway } = await service.catalog.create({ name: 'named', ipv6: true });
await service.prepare();
const during = await forward();
await service.teardown();
console.log(JSON.stringify({ bridge, gateway, during, after: await forward() }));`;

describe('networks beside Docker', () => {
  it('passes iptables’ chains where their policy is DROP, once, and takes its rules back', async function () {
    if ((await run('sh', ['-c', 'command -v iptables'], { okStatus: 'any' })).status !== 0) this.skip();
    const root = await mkdtemp(join(tmpdir(), 'berth-beside-'));
    await run('ip', ['netns', 'add', 'berthtest-beside']);
    try {
      const { stdout } = await run('nsenter', ['--net=/run/netns/berthtest-beside', process.execPath, '--input-type=module', '-e', SCRIPT, root]);
      const { bridge, gateway, during, after } = JSON.parse(stdout) as { bridge: string; gateway: string; during: string[]; after: string[] };
      const passed = ['br-rdbesid', bridge].flatMap((one) => [`-A FORWARD -i ${one} -j ACCEPT`, `-A FORWARD -o ${one} -j ACCEPT`]);
      const passed6 = [`6 -A FORWARD -i ${bridge} -j ACCEPT`, `6 -A FORWARD -o ${bridge} -j ACCEPT`];
      // The containers of a network with names ask this host for them.
      assert.deepEqual(during.sort(), ['-P FORWARD DROP', '-P INPUT DROP', '6 -P FORWARD DROP', ...passed, ...passed6, `-A INPUT -d ${gateway}/32 -i ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`].sort());
      assert.deepEqual(after, ['-P FORWARD DROP', '-P INPUT DROP', '6 -P FORWARD DROP']);
    } finally {
      await run('ip', ['netns', 'del', 'berthtest-beside']);
      await rm(root, { recursive: true, force: true });
    }
  });
});
