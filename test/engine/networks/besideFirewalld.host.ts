import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { besideFirewalld } from '../../support/firewalld.ts';

const engine = join(import.meta.dirname, '../../../engine');
const support = join(import.meta.dirname, '../../support');
const HOST = 'berthtest-rdfw';
const OUTSIDE = 'berthtest-rdfwo';

/** Runs in a network namespace that stands for a host with firewalld, beside another that stands for a machine outside. */
const SCRIPT = `
import { NetworkService } from '${engine}/networks/networkService.ts';
import { EventBus } from '${engine}/base/eventBus.ts';
import { silentLog } from '${engine}/base/log.ts';
import { run } from '${engine}/host/process.ts';
import { ask, endChild, serveIn } from '${support}/netnsServer.ts';
const [root] = process.argv.slice(1);
const OUTSIDE = '/run/netns/${OUTSIDE}';
const trusted = async () => (await run('firewall-cmd', ['--zone=trusted', '--list-interfaces'])).stdout.trim().split(/\\s+/).filter(Boolean).sort();
const service = new NetworkService({ config: { dataRoot: root + '/data', runRoot: root + '/run', socketPath: '', instance: 'rdfwd', idleSeconds: 0 }, log: silentLog, events: new EventBus(), poolSize: 1 });
await service.prepare();
const { bridge } = await service.catalog.create({ name: 'named' });
const a = await service.attach('a', { network: 'default', hostname: 'a' });
const children = [await serveIn(a.netnsPath, 80, 'a'), await serveIn(OUTSIDE, 7000, 'outside')];
const [port] = await service.publish('a', a, [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
const during = await trusted();
const passed = [await ask('tcp', a.netnsPath, '10.231.82.2', 7000), await ask('tcp', OUTSIDE, '10.231.82.1', port.hostPort), await ask('tcp', OUTSIDE, a.ip, 80)];
await run('firewall-cmd', ['-q', '--zone=trusted', '--remove-interface=br-rdfwd']);
const without = await ask('tcp', a.netnsPath, '10.231.82.2', 7000);
await service.catalog.create({ name: 'another' });
const again = await ask('tcp', a.netnsPath, '10.231.82.2', 7000);
await service.catalog.remove('another');
await Promise.all(children.map(endChild));
await service.teardown();
console.log(JSON.stringify({ bridge, gateway: a.gateway, during, passed, without, again, after: await trusted() }));`;

describe('networks beside firewalld', () => {
  it('are trusted by it while they are there, so that containers reach the outside and are reached by published ports alone', async function () {
    this.timeout(120_000);
    const root = await mkdtemp(join(tmpdir(), 'berth-rdfw-'));
    const words = await besideFirewalld(root);
    if (!words) this.skip();
    try {
      await run('ip', ['-batch', '-'], { input: `netns add ${HOST}\nnetns add ${OUTSIDE}\nlink add rdfw0 netns ${HOST} type veth peer name eth0 netns ${OUTSIDE}\n` });
      await run('ip', ['-n', HOST, '-batch', '-'], { input: 'link set lo up\naddr add 10.231.82.1/24 dev rdfw0\nlink set rdfw0 up\n' });
      await run('ip', ['-n', OUTSIDE, '-batch', '-'], { input: 'link set lo up\naddr add 10.231.82.2/24 dev eth0\nlink set eth0 up\nroute add default via 10.231.82.1\n' });
      const { stdout } = await run('nsenter', [`--net=/run/netns/${HOST}`, ...words, process.execPath, '--input-type=module', '-e', SCRIPT, root]);
      const said = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { bridge: string; during: string[]; passed: string[]; without: string; again: string; after: string[] };
      assert.deepEqual(said.during, ['br-rdfwd', said.bridge].sort());
      assert.deepEqual(said.passed, ['outside 10.231.82.1', 'a 10.231.82.2', 'timeout']);
      assert.match(said.without, /EHOSTUNREACH|ECONNREFUSED|EACCES|timeout/, 'what it does when nobody tells it');
      assert.equal(said.again, 'outside 10.231.82.1');
      assert.deepEqual(said.after, []);
    } finally {
      await run('ip', ['-force', '-batch', '-'], { input: `netns del ${HOST}\nnetns del ${OUTSIDE}\n`, okStatus: 'any' });
      await rm(root, { recursive: true, force: true });
    }
  });
});
