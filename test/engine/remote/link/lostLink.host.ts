import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { run, start } from '../../../../engine/host/process.ts';
import { baseTar } from '../../../support/base.ts';
import { bundle, TestEngine } from '../../../support/engine.ts';
import { LinkWorld } from '../../../support/linkWorld.ts';

/** The whole output of a docker command through the link; `watch` sees it grow. */
async function outputOf(engine: TestEngine, link: LinkWorld, args: readonly string[], watch: (soFar: string) => void = () => undefined, input?: Buffer): Promise<{ out: Buffer; status: number | null; err: string }> {
  const child = start('docker', args, { cwd: engine.root, env: { ...engine.env, DOCKER_HOST: `unix://${link.paths.socket}` }, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  let soFar = '';
  child.stdout?.on('data', (chunk: Buffer) => watch((soFar = (soFar + chunk.toString('latin1')).slice(-100_000))));
  if (input) child.stdin?.end(input);
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([buffer(child.stdout as Readable), text(child.stderr as Readable)]);
  return { out, err, status: await status };
}

describe('a lost link', () => {
  let engine: TestEngine;
  let link: LinkWorld;
  let container: string;

  before(async () => {
    engine = await TestEngine.start({ instance: 'lnka', env: { BERTH_LINK_PATIENCE_SECONDS: '60' } });
    await run('docker', ['import', await baseTar(), 'debian'], { env: engine.env });
    link = await LinkWorld.start(engine);
    container = (await engine.docker(['run', '-d', 'debian', 'sleep', '1000'])).stdout.trim();
  });
  after(async () => {
    await link[Symbol.asyncDispose]();
    await engine.remove();
  });
  afterEach(() => {
    link.network.mend();
    link.network.delayMs = 0;
  });

  async function away(ms: number): Promise<void> {
    link.network.cut();
    await link.until(({ state }) => state === 'reconnecting');
    await delay(ms);
    link.network.mend();
  }

  it('a followed log goes on where it was', async () => {
    await engine.docker(['run', '-d', '--name', 'counting', 'debian', 'sh', '-c', 'i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); sleep 0.005; done']);
    let cut: Promise<void> | undefined;
    const { out } = await outputOf(engine, link, ['logs', '-f', 'counting'], (soFar) => {
      if (soFar.includes('line 50\n')) cut ??= away(1200);
    });
    await cut;
    assert.ok(cut, 'the link was not cut');
    assert.equal(out.toString(), Array.from({ length: 400 }, (_, index) => `line ${index}\n`).join(''));
  });

  it('a shell on a terminal goes on; what was typed meanwhile arrives', async () => {
    const child = start('script', ['-q', '-e', '-f', '-c', `'${process.execPath}' '${bundle}' container exec -it ${container} sh`, '/dev/null'], { env: { ...engine.env, BERTH_SOCKET: link.paths.socket, TERM: 'xterm' }, stdio: ['pipe', 'pipe', 'pipe'] });
    using _end = { [Symbol.dispose]: () => void child.kill('SIGKILL') };
    let screen = '';
    child.stdout?.on('data', (chunk: Buffer) => (screen += chunk.toString()));
    const say = (line: string): boolean => (child.stdin as Writable).write(`${line}\n`);
    const shows = async (text: string): Promise<void> => {
      const deadline = Date.now() + 20_000;
      while (!screen.includes(text)) {
        assert.ok(Date.now() < deadline, `${text} is not on the screen: ${screen}`);
        await delay(10);
      }
    };
    await shows('# ');
    say('echo one-$((1+1))');
    await shows('one-2');
    link.network.cut();
    await link.until(({ state }) => state === 'reconnecting');
    say('echo two-$((2+2))');
    await delay(500);
    assert.ok(!screen.includes('two-4'));
    link.network.mend();
    await shows('two-4');
    say('exit 7');
    assert.equal(await new Promise((resolve) => child.once('close', resolve)), 7);
    assert.equal(screen.split('two-4').length, 2, 'once');
  });

  it('a build goes on', async () => {
    const context = join(engine.root, 'context');
    await mkdir(context, { recursive: true });
    await writeFile(join(context, 'Dockerfile'), 'FROM debian\nRUN echo begun-$((1+1)) && sleep 2 && echo done > /done\nRUN cat /done\n');
    let cut: Promise<void> | undefined;
    const { out, status, err } = await outputOf(engine, link, ['build', '-t', 'built', context], (soFar) => {
      if (soFar.includes('begun-2')) cut ??= away(1000);
    });
    await cut;
    assert.ok(cut, 'the link was not cut');
    assert.equal(status, 0, err);
    assert.match(out.toString(), /Successfully tagged built:latest/);
  });

  it('no byte is lost or doubled either way, whenever the link breaks', async () => {
    const sent = randomBytes(12 * 1024 * 1024);
    link.network.delayMs = 1;
    let over = false;
    let cuts = 0;
    const cutting = (async () => {
      for (;;) {
        await delay(60 + Math.random() * 80);
        if (over) return;
        cuts += 1;
        await away(0);
        await link.until(({ state }) => state === 'connected');
      }
    })();
    const { out, status, err } = await outputOf(engine, link, ['exec', '-i', container, 'cat'], undefined, sent);
    over = true;
    await cutting;
    assert.ok(cuts >= 2, `${cuts} cuts`);
    assert.equal(status, 0, err);
    assert.equal(createHash('sha256').update(out).digest('hex'), createHash('sha256').update(sent).digest('hex'));
  });

  it('fifty requests at once get their answers, though the link breaks among them', async () => {
    link.network.delayMs = 20;
    const requests = Array.from({ length: 50 }, () => link.client.json('GET', `/containers/${container}/json`, z.looseObject({ Id: z.string() })));
    await delay(30);
    const cut = away(200);
    assert.deepEqual(new Set((await Promise.all(requests)).map(({ Id }) => Id)), new Set([container]));
    await cut;
  });

  it('a host that is known takes one channel and no command', async () => {
    const known = { socketPath: engine.client.socketPath, command: 'false' };
    await using warm = await LinkWorld.start(engine, { target: () => ({ prepare: () => Promise.reject(new Error('it was asked for')), remembered: { load: () => Promise.resolve(known), save: () => Promise.resolve() } }) });
    assert.equal(await warm.client.send('GET', '/version'), 200);
    assert.deepEqual(warm.network.asked, [`stream ${known.socketPath}`]);
  });

  it('a cable that was pulled is noticed', async () => {
    await using quick = await LinkWorld.start(engine, { limits: { heartbeatMs: 50, deadMs: 250 } });
    await quick.client.send('GET', '/_ping');
    quick.network.silence();
    await quick.until(({ state }) => state === 'reconnecting');
    const late = quick.client.send('GET', '/version');
    quick.network.mend();
    assert.equal(await late, 200);
  });

  it('when the engine was killed its streams end, and new ones find the next engine', async () => {
    const logs = outputOf(engine, link, ['logs', '-f', container]);
    await link.until(({ connections }) => connections > 0);
    await engine.kill();
    await logs;
    assert.equal(await link.client.send('GET', `/containers/${container}/json`), 200);
    await link.until(({ state, engineServes }) => state === 'connected' && engineServes);
  });

  it('an engine that was stopped is started by the next request, and not before', async () => {
    await link.client.send('GET', '/_ping');
    await engine.berth(['engine', 'stop']);
    const { state } = await link.until(({ engineServes }) => !engineServes);
    assert.equal(state, 'connected');
    await delay(100);
    assert.equal((await engine.berth(['engine', 'status', '--json'], { okStatus: 'any' })).stdout, '{"running":false}\n');
    assert.equal(await link.client.send('GET', `/containers/${container}/json`), 200);
  });
});
