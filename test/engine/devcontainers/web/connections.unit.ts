import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopbackProxy } from '../../../../engine/devcontainers/web/loopbackProxy.ts';
import { HostLoopback } from '../../../../engine/host/rootless/hostLoopback.ts';
import { oneTimeRedirect } from '../../../../engine/base/oneTimeRedirect.ts';
import { connectIn } from '../../../../engine/devcontainers/web/serverSocket.ts';

describe("the way to an editor's server", () => {
  let root: string;
  let server: Server;
  const folder = (): string => join(root, 'a folder whose path is longer than that of a socket may be '.repeat(2));

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-web-'));
    await mkdir(folder());
    server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => server.listen(join(root, 's'), resolve));
  });

  after(async () => {
    server.close();
    await rm(root, { recursive: true, force: true });
  });

  it('reaches a socket in a folder with a long path', async () => {
    const chunks: Buffer[] = [];
    const inside = createServer((socket) => socket.end('inside'));
    const before = process.cwd();
    process.chdir(folder());
    await new Promise<void>((resolve) => inside.listen('server.sock', resolve));
    process.chdir(before);
    for await (const chunk of await connectIn(folder(), 'server.sock')) chunks.push(chunk as Buffer);
    inside.close();
    assert.equal(Buffer.concat(chunks).toString(), 'inside');
  });

  it('follows no link to another socket of the host, and takes no file for a socket', async () => {
    await symlink(join(root, 's'), join(folder(), 'link.sock'));
    await writeFile(join(folder(), 'file.sock'), '');
    await assert.rejects(connectIn(folder(), 'link.sock'), /link\.sock is not a socket/);
    await assert.rejects(connectIn(folder(), 'file.sock'), /file\.sock is not a socket/);
    await symlink(root, join(root, 'linked'));
    await assert.rejects(connectIn(join(root, 'linked'), 's'), /ENOTDIR|ELOOP/);
  });

  it('keeps its port when it is free, and takes another when it is not', async () => {
    const first = await LoopbackProxy.listen(new HostLoopback(), 0, () => connectIn(root, 's'));
    const second = await LoopbackProxy.listen(new HostLoopback(), first.port, () => connectIn(root, 's'));
    assert.notEqual(second.port, first.port);
    const { port } = first;
    await first.close();
    const third = await LoopbackProxy.listen(new HostLoopback(), port, () => connectIn(root, 's'));
    assert.equal(third.port, port);
    for (const proxy of [second, third]) await proxy.close();
  });

  it('is shown to a browser by an address that leads there once', async () => {
    const once = await oneTimeRedirect((server) => new HostLoopback().listen(server, 0), 'http://127.0.0.1:1/?tkn=secret');
    assert.equal((await fetch(new URL('/', once))).status, 404);
    const answer = await fetch(once, { redirect: 'manual' });
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, 'http://127.0.0.1:1/?tkn=secret']);
    await assert.rejects(fetch(once, { redirect: 'manual' }));
  });

  it('answers a browser with a sentence when there is no server', async () => {
    const proxy = await LoopbackProxy.listen(new HostLoopback(), 0, () => connectIn(root, 'none.sock'));
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /^Berth: /);
    await proxy.close();
  });
});
