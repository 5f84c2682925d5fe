import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { TestEngine } from '../support/engine.ts';
import { seededRandom } from '../support/random.ts';

const INSTANCE = 'rdkills';
const USERS = 3;
const kills = Number(process.env['BERTH_FAULT_KILLS'] ?? 6);
const seed = Number(process.env['BERTH_FAULT_SEED'] ?? Date.now() % 1_000_000);

const legSchema = z.looseObject({ networkName: z.string(), veth: z.string(), ip: z.string(), ip6: z.string() });
const attachmentSchema = z.looseObject({ containerId: z.string(), netns: z.string(), legs: z.array(legSchema), ports: z.array(z.looseObject({ hostPort: z.number() })) });
const networkSchema = z.looseObject({ name: z.string(), driver: z.string(), bridge: z.string(), gateway: z.string(), gateway6: z.string(), options: z.record(z.string(), z.string()) });
const containerSchema = z.looseObject({ Id: z.string(), State: z.string(), NetworkSettings: z.looseObject({ Networks: z.record(z.string(), z.looseObject({ IPAddress: z.string() })) }) });
const linkSchema = z.array(z.looseObject({ ifname: z.string().optional() }));

/**
 * An engine that is killed at moments a seed decides while networks are made and removed, and containers join, leave, start and end in them. After
 * the next start the records, what the API says and what the kernel has are the same. BERTH_FAULT_SEED has the same moments again.
 */
describe(`networks of an engine killed ${kills} times (BERTH_FAULT_SEED=${seed})`, function () {
  this.timeout(60_000 + kills * 20_000);
  let engine: TestEngine;
  let up = Promise.withResolvers<void>();
  let stopped = false;
  const done: Record<string, number> = {};

  before(async () => {
    engine = await TestEngine.start({ instance: INSTANCE });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    up.resolve();
  });
  after(() => engine.remove());

  /** Does one thing or another, whether it makes sense or not: what the engine refuses is refused. */
  async function work(user: number, random: () => number): Promise<void> {
    const container = `c${user}`;
    for (let step = 0; !stopped; step++) {
      await up.promise;
      const network = `rdk${user}${random() < 0.5 ? 'a' : 'b'}`;
      const options = { 'com.docker.network.bridge.name': network, ...(random() < 0.5 ? { egress: 'allow:example.org,10.77.0.0/16' } : {}) };
      const acts: Array<[string, () => Promise<unknown>]> = [
        ['make', () => engine.client.send('POST', '/networks/create', { json: { Name: network, EnableIPv6: true, Options: options } })],
        ['remove', () => engine.client.send('DELETE', `/networks/${network}`)],
        ['join', () => engine.client.send('POST', `/networks/${network}/connect`, { json: { Container: container } })],
        ['leave', () => engine.client.send('POST', `/networks/${network}/disconnect`, { json: { Container: container } })],
        ['run', async () => {
          await engine.client.send('POST', '/containers/create', { query: { name: container }, json: { Image: 'debian:bookworm', Cmd: ['sleep', '1000'], HostConfig: { PortBindings: { '80/tcp': [{ HostPort: String(28_980 + user) }] } } } });
          await engine.client.send('POST', `/containers/${container}/start`);
        }],
        ['start', () => engine.client.send('POST', `/containers/${container}/start`)],
        ['end', () => engine.client.send('DELETE', `/containers/${container}`, { query: { force: true } })],
      ];
      const dice = [0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6][Math.floor(random() * 11)] ?? 0;
      const [what, act] = acts[dice] ?? ['', () => Promise.resolve()];
      await act().then(() => (done[what] = (done[what] ?? 0) + 1), () => delay(10));
    }
  }

  it('are after each next start what the records, the API and the kernel agree on', async () => {
    const random = seededRandom(seed);
    const users = Array.from({ length: USERS }, (_, user) => work(user, seededRandom(seed + 1 + user)));
    try {
      for (let kill = 0; kill < kills; kill++) {
        await delay(100 + random() * 1500);
        up = Promise.withResolvers<void>();
        await engine.kill();
        await engine.startAgain();
        assert.deepEqual(await differences(engine), [], `after kill ${kill + 1}`);
        up.resolve();
      }
    } finally {
      stopped = true;
      up.resolve();
      await Promise.all(users);
    }
    assert.ok(Object.values(done).reduce((sum, count) => sum + count, 0) > kills, `more was done than died: ${JSON.stringify(done)}`);
  });

  it('leave nothing when they are removed', async () => {
    const ids = (await engine.docker(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await engine.docker(['rm', '-f', ...ids]);
    await engine.docker(['network', 'prune', '-f']);
    assert.deepEqual(await linksLike(/^rdk\d[ab]$/), []);
    const table = (await run('nft', ['list', 'table', 'inet', `berth-${INSTANCE}`])).stdout;
    assert.ok(!/rdk\d[ab]|: 10\./.test(table), table);
  });
});

/** What the records, the API and the kernel do not agree on. */
async function differences(engine: TestEngine): Promise<string[]> {
  const [networks, attachments] = await Promise.all([recordsIn(join(engine.dataRoot, 'networks'), networkSchema), recordsIn(join(engine.runRoot, 'netns'), attachmentSchema)]);
  const containers = await engine.client.json('GET', '/containers/json', z.array(containerSchema));
  const table = (await run('nft', ['list', 'table', 'inet', `berth-${INSTANCE}`])).stdout;
  const bridges = networks.filter(({ driver }) => driver === 'bridge');
  const found = [same('bridges', await linksLike(/^rdk\d[ab]$/), bridges.map(({ bridge }) => bridge).filter((name) => name.startsWith('rdk')))];
  found.push(same('bridges in the table', [.../set bridges \{[^}]*elements = \{([^}]*)\}/.exec(table)?.[1]?.matchAll(/"([^"]+)"/g) ?? []].map(([, name]) => name ?? ''), bridges.map(({ bridge }) => bridge)));
  found.push(same('allow-lists', [...table.matchAll(/set allow4_(\S+) \{/g)].map(([, name]) => name ?? ''), bridges.filter(({ options }) => 'egress' in options).map(({ bridge }) => bridge)));
  found.push(same('published ports', [...new Set([...table.matchAll(/(289\d\d) : /g)].map(([, port]) => port ?? ''))], [...new Set(attachments.flatMap(({ ports }) => ports.map(({ hostPort }) => String(hostPort))))]));
  found.push(same('attached containers', attachments.map(({ containerId }) => containerId), containers.map(({ Id }) => Id)));
  for (const { bridge, name, gateway, gateway6 } of bridges) {
    const addresses = (await run('ip', ['addr', 'show', 'dev', bridge], { okStatus: 'any' })).stdout;
    if (!addresses.includes(` ${gateway}/`) || (gateway6 !== '' && !addresses.includes(` ${gateway6}/`))) found.push([`${bridge} lacks its addresses`]);
    const legs = attachments.flatMap((attachment) => attachment.legs).filter(({ networkName }) => networkName === name).map(({ veth }) => veth);
    const ports = linkSchema.parse(JSON.parse((await run('ip', ['-j', 'link', 'show', 'master', bridge])).stdout.trim() || '[]')).flatMap(({ ifname }) => ifname ?? []);
    // The pool's are in the default network too.
    found.push(same(`ports of ${bridge}`, name === 'bridge' ? ports.filter((port) => legs.includes(port)) : ports, legs));
  }
  for (const { containerId, netns, legs } of attachments) {
    const inside = (await run('ip', ['-n', netns, 'addr'], { okStatus: 'any' })).stdout;
    found.push(legs.flatMap(({ ip, ip6 }) => [ip, ip6]).filter((address) => address !== '' && !inside.includes(` ${address}/`)).map((address) => `${containerId} lacks ${address}`));
    const said = Object.entries(containers.find(({ Id }) => Id === containerId)?.NetworkSettings.Networks ?? {}).filter(([, { IPAddress }]) => IPAddress !== '').map(([name]) => name);
    // One that was being connected when the engine died may be so until its next start: nobody was told.
    found.push(said.filter((name) => !legs.some(({ networkName }) => networkName === name)).map((name) => `${containerId} is said to be in ${name}`));
  }
  return found.flat();
}

async function recordsIn<T>(folder: string, schema: z.ZodType<T>): Promise<T[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(files.map(async (file) => schema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))));
}

async function linksLike(pattern: RegExp): Promise<string[]> {
  const links = linkSchema.parse(JSON.parse((await run('ip', ['-j', 'link'])).stdout));
  return links.flatMap(({ ifname = '' }) => (pattern.test(ifname) ? [ifname] : []));
}

function same(what: string, actual: readonly string[], expected: readonly string[]): string[] {
  const [one, other] = [actual, expected].map((list) => [...list].sort().join(' '));
  return one === other ? [] : [`${what}: ${one ?? ''} instead of ${other ?? ''}`];
}
