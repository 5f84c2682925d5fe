import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cloneEventSchema } from '../../../engine/api/berth/sync.ts';
import type { CloneEvent } from '../../../engine/api/berth/sync.ts';
import { put } from '../../support/syncPair.ts';
import { SyncWorld } from '../../support/syncWorld.ts';

describe('cloning on the host', () => {
  let world: SyncWorld;
  let origin: string;
  beforeEach(async () => {
    world = await SyncWorld.open();
    origin = join(world.folder, 'origin.git');
    const git = (...args: string[]): void => void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: origin, stdio: 'ignore' });
    mkdirSync(origin);
    git('init', '-q', '-b', 'main');
    put(origin, { 'README.md': 'hello' });
    git('add', '.');
    git('commit', '-qm', 'one');
    git('branch', 'other');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  async function cloned(body: { url: string; folder?: string; branch?: string }): Promise<CloneEvent[]> {
    const events: CloneEvent[] = [];
    for await (const event of world.client.lines('POST', '/berth/v1/clone', cloneEventSchema, { json: body })) events.push(event);
    return events;
  }

  it('says how it goes and ends with the folder', async () => {
    const folder = join(world.folder, 'work');
    const events = await cloned({ url: `file://${origin}`, folder, branch: 'other' });
    assert.deepEqual(events.at(-1), { type: 'result', folder });
    assert.ok(events.some((event) => event.type === 'output' && event.text.includes('Receiving objects')), 'progress comes as it goes');
    assert.ok(existsSync(join(folder, 'README.md')));
    assert.equal(execFileSync('git', ['branch', '--show-current'], { cwd: folder, encoding: 'utf8' }).trim(), 'other');
  });

  const marker = (): string => join(world.folder, 'was-run');
  for (const [what, url] of [
    ['a transport helper', () => `ext::sh -c touch% ${marker()}`],
    ['an option', () => `--upload-pack=touch ${marker()}`],
    ['an option for ssh', () => `ssh://-oProxyCommand=touch%20${marker()}/x`],
    ['an option for ssh behind a user', () => `ssh://me@-oProxyCommand=touch%20${marker()}/x`],
    ['a host that is an option, as scp has it', () => `-oProxyCommand=touch ${marker()}:x`],
    ['a host that is an option behind a user, as scp has it', () => 'me@-oProxyCommand:x'],
    ['no address', () => 'nothing'],
    ['two lines', () => 'https://example.com/a\n--config=x'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(cloned({ url: url(), folder: join(world.folder, 'work') }), { code: 'CLONE_URL_INVALID', status: 400 });
      assert.ok(!existsSync(marker()) && !existsSync(join(world.folder, 'work')));
    });
  }

  it('refuses a name of a branch that is an option', async () => {
    await assert.rejects(cloned({ url: origin, folder: join(world.folder, 'work'), branch: '--upload-pack=x' }), { code: 'CLONE_URL_INVALID' });
  });

  it('never clones over what is there', async () => {
    put(world.folder, { 'work/mine': 'mine' });
    await assert.rejects(cloned({ url: origin, folder: join(world.folder, 'work') }), { code: 'CLONE_TARGET_INVALID', status: 409 });
    assert.deepEqual(readdirSync(join(world.folder, 'work')), ['mine']);
  });

  it("passes on git's own words, without a password that was in the address", async () => {
    const missing = await cloned({ url: `file://${world.folder}/missing`, folder: join(world.folder, 'work') });
    const last = missing.at(-1);
    assert.ok(last?.type === 'error' && last.code === 'CLONE_FAILED' && /does not (exist|appear)/.test(last.message), JSON.stringify(last));
    const refused = (await cloned({ url: 'http://me:hunter2@127.0.0.1:28499/x.git', folder: join(world.folder, 'work') })).at(-1);
    assert.ok(refused?.type === 'error' && !JSON.stringify(refused).includes('hunter2'), JSON.stringify(refused));
  });
});
