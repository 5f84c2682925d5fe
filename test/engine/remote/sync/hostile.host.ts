import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { Replica } from '../../../../engine/base/replica/replica.ts';
import { ContentWriter } from '../../../../engine/base/sync/contentStream.ts';
import type { Entry } from '../../../../engine/base/sync/entry.ts';
import { encodeFrame, readFrames, writeFrame } from '../../../../engine/base/sync/frames.ts';
import type { Frame } from '../../../../engine/base/sync/frames.ts';
import { Controller } from '../../../../engine/remote/sync/controller.ts';
import { RemoteReplica } from '../../../../engine/remote/sync/remoteReplica.ts';
import { put, treeOf } from '../../../support/syncPair.ts';
import { SyncWorld } from '../../../support/syncWorld.ts';

const digest = 'a'.repeat(64);
const file: Entry = { kind: 'file', mode: 0o644, size: 4, digest };

describe('a host that means harm', () => {
  let world: SyncWorld;
  beforeEach(async () => void (world = await SyncWorld.open()));
  afterEach(() => world[Symbol.asyncDispose]());

  /** A host that answers as told; one cycle with it. */
  async function cycleWith(answers: (request: { type: string }) => Frame[]): Promise<void> {
    const [mine, theirs] = duplexPair();
    const served = (async () => {
      await writeFrame(theirs, { kind: 'message', value: { type: 'welcome', version: 1, root: '/r', host: 'evil', boot: 'b', capabilities: { caseInsensitive: false, normalizing: false, modes: true, windowsNames: false } } });
      for await (const frame of readFrames(theirs)) {
        if (frame.kind !== 'message') continue;
        for (const answer of answers(frame.value as { type: string })) await writeFrame(theirs, answer);
      }
    })().catch(() => undefined);
    await using local = await Replica.open({ root: world.local, id: 'e1', rules: { gitignore: true, extra: [] } });
    try {
      const remote = await RemoteReplica.attach(mine);
      await new Controller({ local, remote, remoteRoot: '/r', localName: 'me', remoteName: 'evil', ancestor: new Map() }).cycle({ full: true, remote: true });
    } finally {
      mine.destroy();
      theirs.destroy();
      await served;
    }
  }

  const reply = (value: unknown): Frame => ({ kind: 'message', value: { type: 'reply', value } });
  const scanOf = (...changes: Array<[string, Entry]>): Frame => reply({ full: true, changes, problems: [], busy: [] });

  for (const path of ['../outside', '/etc/passwd', 'a/../../outside', 'a//b', './a', '.berth-sync/e1/x', 'a\0b', '', `${'n'.repeat(300)}`]) {
    it(`cannot name the path ${JSON.stringify(path.slice(0, 20))}`, async () => {
      await assert.rejects(cycleWith(() => [scanOf([path, file])]), { code: 'SYNC_PEER_INVALID' });
      assert.deepEqual(treeOf(world.local), {});
    });
  }

  it('cannot write through a link that it made itself', async () => {
    const outside = join(world.folder, 'outside');
    mkdirSync(outside);
    await cycleWith(({ type }) => {
      if (type === 'scan') return [scanOf(['link', { kind: 'link', target: outside }], ['link/x', { kind: 'folder', mode: 0o755 }])];
      return [reply([])];
    });
    assert.deepEqual(readdirSync(outside), []);
  });

  it('cannot pass off other content than it announced', async () => {
    const writer = new ContentWriter();
    writer.add({ kind: 'file', index: 0, mtime: 0 });
    writer.add({ kind: 'data', data: Buffer.from('evil') });
    writer.add({ kind: 'close', intact: true });
    const data = writer.take() ?? Buffer.alloc(0);
    await cycleWith(({ type }) => (type === 'scan' ? [scanOf(['f', file])] : [{ kind: 'data', data }, { kind: 'end' }]));
    assert.deepEqual(treeOf(world.local), {});
  });

  it('cannot send more than it announced, nor files that nobody asked for', async () => {
    for (const [index, content] of [[0, 'x'.repeat(5)], [7, 'evil']] as const) {
      const writer = new ContentWriter();
      writer.add({ kind: 'file', index, mtime: 0 });
      writer.add({ kind: 'data', data: Buffer.from(content) });
      writer.add({ kind: 'close', intact: true });
      const data = writer.take() ?? Buffer.alloc(0);
      await assert.rejects(cycleWith(({ type }) => (type === 'scan' ? [scanOf(['f', file])] : [{ kind: 'data', data }, { kind: 'end' }])), { code: 'SYNC_PEER_INVALID' });
    }
    assert.deepEqual(treeOf(world.local), {});
  });

  it('gets no file that was not to be synced', async () => {
    put(world.local, { '.gitignore': 'secret\n', secret: 'secret', f: 'f' });
    await assert.rejects(cycleWith(({ type }) => (type === 'scan' ? [scanOf()] : [reply([{ path: 'secret', digest, index: 0 }])])), { code: 'SYNC_PEER_INVALID' });
  });

  it('cannot make the client hold what unpacks to more than is allowed, or announce a message without end', async () => {
    const [mine, theirs] = duplexPair();
    theirs.write(Buffer.from([1, 0xff, 0xff, 0xff, 0xff]));
    await assert.rejects(RemoteReplica.attach(mine), { code: 'SYNC_PEER_INVALID' });
    const bomb = encodeFrame({ kind: 'data', data: Buffer.alloc(64 * 1024 * 1024) });
    await assert.rejects((async () => { for await (const _ of readFrames(Duplex.from([bomb]))); })(), { code: 'SYNC_PEER_INVALID' });
  });
});

describe('a client that means harm', () => {
  let world: SyncWorld;
  beforeEach(async () => void (world = await SyncWorld.open()));
  afterEach(() => world[Symbol.asyncDispose]());

  async function ask(...frames: Frame[]): Promise<unknown[]> {
    const { socket } = await world.client.hijack('POST', `/berth/v1/syncs/${'c'.repeat(16)}/connect`, { json: { folder: world.remote } });
    for (const frame of frames) await writeFrame(socket, frame);
    const answers: unknown[] = [];
    for await (const frame of readFrames(socket)) {
      answers.push(frame);
      if (answers.length > frames.filter(({ kind }) => kind === 'message').length) break;
    }
    socket.destroy();
    return answers;
  }

  for (const path of ['../outside', '/tmp/outside', 'a/../../x', '.berth-sync/x']) {
    it(`cannot have ${path} written or read`, async () => {
      const answers = await ask({ kind: 'message', value: { type: 'apply', changes: [{ path, from: null, to: { kind: 'link', target: 'x' } }] } });
      assert.equal(answers.length, 1, 'after the welcome the connection ends');
      const read = await ask({ kind: 'message', value: { type: 'supply', needs: [{ path, digest, index: 0 }] } });
      assert.equal(read.length, 1);
    });
  }

  it('cannot write into a folder behind a link', async () => {
    const outside = join(world.folder, 'outside');
    mkdirSync(outside);
    mkdirSync(world.remote);
    symlinkSync(outside, join(world.remote, 'd'));
    const answers = await ask({ kind: 'message', value: { type: 'apply', changes: [{ path: 'd/x', from: null, to: { kind: 'folder', mode: 0o755 } }] } });
    assert.deepEqual((answers[1] as { value: { value: unknown } }).value.value, [{ kind: 'stale' }]);
    assert.deepEqual(readdirSync(outside), []);
  });

  it('cannot read through a link', async () => {
    mkdirSync(world.remote);
    symlinkSync('/etc/hostname', join(world.remote, 'f'));
    const answers = await ask({ kind: 'message', value: { type: 'supply', needs: [{ path: 'f', digest, index: 0 }] } });
    assert.ok(!JSON.stringify(answers).includes(Buffer.from(readFileSync('/etc/hostname')).toString('base64')));
  });
});

function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        other().push(chunk);
        done();
      },
      final: (done) => {
        other().push(null);
        done();
      },
      destroy: (error, done) => {
        if (!other().destroyed) other().push(null);
        done(error);
      },
    });
  const one: Duplex = make(() => two);
  const two: Duplex = make(() => one);
  return [one, two];
}
