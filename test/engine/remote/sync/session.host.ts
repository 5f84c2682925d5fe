import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { put, treeOf } from '../../../support/syncPair.ts';
import { SyncWorld, until } from '../../../support/syncWorld.ts';

describe('a sync session over a connection', () => {
  let world: SyncWorld;
  beforeEach(async () => void (world = await SyncWorld.open()));
  afterEach(() => world[Symbol.asyncDispose]());

  const assertEqual = (): void => assert.deepEqual(treeOf(world.remote), treeOf(world.local));

  it('copies 10,000 small files, and finds them unchanged when it starts again', async function () {
    this.timeout(60_000);
    for (let index = 0; index < 10_000; index++) {
      if (index < 100) mkdirSync(join(world.local, `d${index}`));
      writeFileSync(join(world.local, `d${index % 100}/f${index}`), `content ${index}`);
    }
    const first = await world.session();
    const status = await first.flush();
    assert.deepEqual([status.state, status.changesToRemote, status.pending], ['watching', 10_100, 0]);
    assert.equal(Object.keys(treeOf(world.remote)).length, 10_100);
    await first.close();
    const before = world.traffic;
    const second = await world.session();
    const again = await second.flush();
    assert.deepEqual([again.changesToRemote, again.changesToLocal], [0, 0]);
    assert.ok(world.traffic.sent - before.sent < 10_000, 'no file travels again');
  });

  it('notices what is written on either side, as editors do it, and brings it over', async () => {
    put(world.local, { 'src/a.ts': 'one', b: 'b' });
    const session = await world.session();
    await session.flush();
    put(world.local, { 'src/.a.ts.tmp': 'two' });
    renameSync(join(world.local, 'src/.a.ts.tmp'), join(world.local, 'src/a.ts'));
    await until('the saved file is there', () => readFileSync(join(world.remote, 'src/a.ts'), 'utf8') === 'two');
    put(world.remote, { 'made/by/a/build': 'output' });
    await until('the new folder is here', () => existsSync(join(world.local, 'made/by/a/build')));
    appendFileSync(join(world.remote, 'made/by/a/build'), ' and more');
    await until('the appended file is here', () => readFileSync(join(world.local, 'made/by/a/build'), 'utf8') === 'output and more');
    renameSync(join(world.local, 'src'), join(world.local, 'lib'));
    await until('the folder has its new name there', () => existsSync(join(world.remote, 'lib/a.ts')) && !existsSync(join(world.remote, 'src')));
    rmSync(join(world.remote, 'b'));
    await until('the removed file is gone here', () => !existsSync(join(world.local, 'b')));
    await session.flush();
    assertEqual();
    assert.deepEqual(session.status.conflicts, []);
  });

  it('sends of a big file only what changed, in both directions, and nothing for a rename', async function () {
    this.timeout(60_000);
    const content = randomBytes(24 * 1024 * 1024);
    put(world.local, { big: content });
    const session = await world.session();
    await session.flush();
    const first = world.traffic;
    assert.ok(first.sent > content.length, 'random bytes cannot be made smaller');
    patch(join(world.local, 'big'), 10_000_000, 'changed here');
    await session.flush();
    const second = world.traffic;
    assert.deepEqual(readFileSync(join(world.remote, 'big')), readFileSync(join(world.local, 'big')));
    assert.ok(second.sent - first.sent + second.received - first.received < 300_000, `${second.sent - first.sent} bytes went there, ${second.received - first.received} back`);
    writeFileSync(join(world.remote, 'big'), Buffer.concat([Buffer.from('inserted in front'), readFileSync(join(world.remote, 'big'))]));
    await session.flush();
    const third = world.traffic;
    assert.deepEqual(readFileSync(join(world.local, 'big')), readFileSync(join(world.remote, 'big')));
    assert.ok(third.sent - second.sent + third.received - second.received < 300_000, 'all of it moved by some bytes');
    renameSync(join(world.local, 'big'), join(world.local, 'moved'));
    await session.flush();
    assert.ok(world.traffic.sent - third.sent < 20_000);
    assertEqual();
  });

  it('goes on where it was when the carrier is lost in the middle of a big file', async function () {
    this.timeout(60_000);
    const content = randomBytes(32 * 1024 * 1024);
    put(world.local, { big: content, small: 's' });
    let cut = false;
    const session = await world.session((socket) => {
      if (cut) return;
      const timer = setInterval(() => {
        if (socket.bytesWritten < 12 * 1024 * 1024) return;
        clearInterval(timer);
        cut = true;
        socket.destroy();
      }, 1);
      socket.on('close', () => clearInterval(timer));
    });
    const status = await session.flush();
    assert.ok(cut && world.carriers.length >= 2, 'the carrier was lost');
    assert.deepEqual([status.state, status.pending], ['watching', 0]);
    assertEqual();
    assert.ok(world.traffic.sent < content.length * 1.4, `${world.traffic.sent} bytes were sent: what had arrived was not used`);
  });

  it('brings over what was written on both sides while there was no connection', async () => {
    put(world.local, { a: '1', b: '1', c: '1' });
    const session = await world.session();
    await session.flush();
    await session.close();
    put(world.local, { a: '2', c: 'mine' });
    put(world.remote, { b: '2', c: 'theirs', d: 'new' });
    const next = await world.session();
    const { conflicts } = await next.flush();
    assertEqual();
    assert.deepEqual(conflicts.map(({ path }) => path), ['c']);
    const tree = treeOf(world.local);
    assert.deepEqual([tree['a'], tree['b'], tree['c'], tree['d']], ['644 2', '644 2', '644 mine', '644 new']);
    assert.ok(Object.values(tree).includes('644 theirs'));
  });

  it('remembers at its end what both sides had in common, so that a removal later is one', async () => {
    put(world.local, { a: '1' });
    const session = await world.session();
    await session.flush();
    put(world.local, { b: '2' });
    await until('the file is there', () => existsSync(join(world.remote, 'b')));
    await session.close();
    rmSync(join(world.local, 'b'));
    await (await world.session()).flush();
    assert.deepEqual([Object.keys(treeOf(world.local)), Object.keys(treeOf(world.remote))], [['a'], ['a']]);
  });

  it('a second connection of the same sync takes the place of the first', async () => {
    put(world.local, { a: '1' });
    const session = await world.session();
    await session.flush();
    assert.equal(world.service.list().length, 1);
    const { socket } = await world.client.hijack('POST', `/berth/v1/syncs/${world.record.id}/connect`, { json: { folder: world.remote } });
    await until('the first carrier has ended', () => world.carriers[0]?.destroyed === true);
    socket.destroy();
    await session.flush();
    assertEqual();
  });

  it('tells why it cannot go on, and goes on when that is put right', async () => {
    put(world.local, { a: '1', b: '2' });
    const session = await world.session();
    await session.flush();
    for (const name of readdirSync(world.local)) rmSync(join(world.local, name));
    await assert.rejects(session.flush(), /is empty, but held 2 entries/);
    assert.equal(session.status.state, 'halted');
    assert.deepEqual(Object.keys(treeOf(world.remote)), ['a', 'b']);
    put(world.local, { a: '1', b: '2', c: '3' });
    await until('it is in sync again', () => session.status.state === 'watching' && existsSync(join(world.remote, 'c')));
  });

  it('leaves nothing on the host but the files and what it learnt about them', async () => {
    put(world.local, { a: '1' });
    const session = await world.session();
    await session.flush();
    await session.close();
    await until('the host has closed it', () => world.service.list().length === 0);
    assert.deepEqual(readdirSync(world.remote), ['a']);
    assert.deepEqual(readdirSync(join(world.folder, 'data/sync')), [`${world.record.id}.index`]);
    await world.client.send('DELETE', `/berth/v1/syncs/${world.record.id}`);
    assert.deepEqual(readdirSync(join(world.folder, 'data/sync')), []);
  });

  for (const folder of ['/', 'relative', '../up']) {
    it(`refuses ${folder} as a folder`, async () => {
      await assert.rejects(world.client.hijack('POST', `/berth/v1/syncs/${world.record.id}/connect`, { json: { folder } }), { code: 'SYNC_FOLDER_REFUSED' });
    });
  }
});

function patch(path: string, at: number, text: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, text, at);
  closeSync(file);
}
