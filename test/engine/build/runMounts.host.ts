import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { BuildWorld } from '../../support/buildWorld.ts';

const SECRET = 'this-must-not-be-kept-anywhere';

describe('RUN --mount', () => {
  let world: BuildWorld;
  before(async () => (world = await BuildWorld.create('rmount')));
  after(() => world.remove());
  afterEach('nothing temporary is left', async () => assert.deepEqual(await world.leftovers(), []));

  it('bind shows files of the context and of other stages; nothing of them, nor what is written there, gets into the layer', async () => {
    await world.write('bind', {
      'src/one.txt': 'one',
      'src/skipped.txt': 'skipped',
      '.dockerignore': 'src/skipped.txt\n',
      Dockerfile: [
        'FROM debian AS made',
        'RUN mkdir /out && echo made > /out/made',
        'FROM debian',
        'WORKDIR /w',
        'RUN --mount=source=src,target=in --mount=from=made,source=/out,target=/made,rw --mount=source=src/one.txt,target=/single ls in > listed; cat in/one.txt /made/made /single >> listed; touch /made/x; touch in/x 2>/dev/null || echo read-only >> listed',
      ].join('\n'),
    });
    const first = await world.build('bind', { tags: ['bind'] });
    assert.equal(await world.readFile('bind', 'w/listed'), 'one.txt\nonemade\noneread-only\n');
    const again = await world.build('bind', { tags: ['bind'] });
    assert.deepEqual([again.imageId, again.ran()], [first.imageId, []]);
    await world.write('bind', { 'src/skipped.txt': 'changed' });
    assert.deepEqual((await world.build('bind')).ran(), []);
    await world.write('bind', { 'src/one.txt': 'two' });
    assert.equal((await world.build('bind', { tags: ['bind'] })).ran().length, 1);
    assert.match(await world.readFile('bind', 'w/listed'), /^one.txt\ntwomade/);
    assert.deepEqual((await readdir(world.context('bind'))).sort(), ['.dockerignore', 'Dockerfile', 'src']);
  });

  it('--device brings what the Container Device Interface says of it; one that is not there matters only when it is required', async () => {
    const file = '/var/run/cdi/berth-rmount.json';
    await mkdir('/var/run/cdi', { recursive: true });
    await writeFile(file, JSON.stringify({
      cdiVersion: '0.6.0',
      kind: 'rmount.berth.test/tape',
      containerEdits: { env: ['TAPE=loaded'] },
      devices: [{ name: 'one', containerEdits: { deviceNodes: [{ path: '/dev/tape0', hostPath: '/dev/zero' }], mounts: [{ hostPath: world.root, containerPath: '/tape', options: ['ro', 'bind'] }] } }],
    }));
    try {
      await world.write('device', { Dockerfile: 'FROM debian\nRUN --device=rmount.berth.test/tape=one,required --device=rmount.berth.test/none echo "$TAPE" > /made && head -c 4 /dev/tape0 | od -An -tx1 >> /made && ls /tape >> /made\n' });
      await world.build('device', { tags: ['device'], allowDevices: true });
      assert.match(await world.readFile('device', 'made'), /^loaded\n 00 00 00 00\n[\s\S]*contexts/);
      await world.write('device', { Dockerfile: 'FROM debian\nRUN --device=rmount.berth.test/none,required true\n' });
      await assert.rejects(world.build('device', { allowDevices: true }), { code: 'BUILD_DEVICE_MISSING', message: /^Dockerfile:2:1: RUN requires the device rmount\.berth\.test\/none/ });
    } finally {
      await rm(file);
    }
  });

  it('leaves the mount points out of the layer', async () => {
    await world.write('points', { Dockerfile: 'FROM debian\nRUN --mount=type=cache,target=/var/deep/cache --mount=type=tmpfs,target=/new/tmp --mount=type=secret,id=s,target=/etc/the-secret echo x > /only; [ -e /etc/the-secret ] && echo y > /etc/was-there; true', s: '' });
    await world.build('points', { tags: ['points'], secrets: { s: Buffer.from('v') } });
    const folder = await world.layerFolder('points');
    const { stdout } = await run('find', ['.', '-type', 'f'], { cwd: folder });
    assert.deepEqual(stdout.split('\n').filter(Boolean).sort(), ['./etc/was-there', './only']);
    await assert.rejects(lstat(join(folder, 'var/deep')), { code: 'ENOENT' });
    await assert.rejects(lstat(join(folder, 'new')), { code: 'ENOENT' });
  });

  it('cache is kept from build to build, begins with what a stage has, is private or locked where asked, and goes with a prune', async () => {
    await world.write('cache', {
      Dockerfile: 'FROM debian AS seed\nRUN mkdir /s && echo seed > /s/seed\nFROM debian\nARG N\nRUN --mount=type=cache,id=shared,target=/c,from=seed,source=/s,mode=0750 cat /c/seed; echo $N >> /c/seen; cat /c/seen > /seen; stat -c %a /c\n',
    });
    const first = await world.build('cache', { tags: ['c'], buildArgs: { N: '1' } });
    assert.equal(first.output, 'seed\n750\n');
    await world.build('cache', { tags: ['c'], buildArgs: { N: '2' } });
    assert.equal(await world.readFile('c', 'seen'), '1\n2\n');
    await world.restart();
    await world.build('cache', { tags: ['c'], buildArgs: { N: '3' } });
    assert.equal(await world.readFile('c', 'seen'), '1\n2\n3\n');
    await world.service.prune();
    await world.build('cache', { tags: ['c'], buildArgs: { N: '4' } });
    assert.equal(await world.readFile('c', 'seen'), '4\n');
  });

  it('locked caches are used by one step at a time, private ones never together', async () => {
    // Each waits for the other: long where they are to meet, and only for a while where they must not.
    const step = (sharing: string, name: string, other: string): string =>
      `FROM debian AS ${name}\nRUN --mount=type=cache,id=${sharing},target=/c,sharing=${sharing} touch /c/${name}; i=0; while [ ! -e /c/${other} ] && [ $i -lt ${sharing === 'shared' ? 1500 : 20} ]; do sleep 0.02; i=$((i+1)); done; if [ -e /c/${other} ]; then echo together > /how; else echo alone > /how; rm /c/${name}; fi\n`;
    for (const sharing of ['locked', 'private', 'shared']) {
      await world.write('sharing', { Dockerfile: `${step(sharing, 'a', 'b')}${step(sharing, 'b', 'a')}FROM debian\nCOPY --from=a /how /a\nCOPY --from=b /how /b\n` });
      await world.build('sharing', { tags: ['sharing'] });
      const how = [await world.readFile('sharing', 'a'), await world.readFile('sharing', 'b')];
      assert.equal(how.includes('together\n'), sharing === 'shared', `${sharing}: ${how.join()}`);
    }
  });

  it('secrets are files and variables of that step only: no layer, log, cache or temporary file has them', async () => {
    await world.write('secret', { Dockerfile: 'FROM debian\nRUN --mount=type=secret,id=token --mount=type=secret,id=token,env=TOKEN,target=/t,mode=0444,uid=7 test "$(cat /run/secrets/token)" = "$TOKEN" && stat -c "%a %u" /run/secrets/token /t && md5sum < /t > /sum\nRUN test ! -e /run/secrets/token && test -z "$TOKEN"\n' });
    const built = await world.build('secret', { tags: ['secret'], secrets: { token: Buffer.from(SECRET) } });
    assert.equal(built.output, '400 0\n444 7\n');
    const { status } = await run('grep', ['-r', '-l', SECRET, world.root], { okStatus: 'any' });
    assert.equal(status, 1);
    // Another value changes nothing that was done: what a secret opens is not what it is.
    assert.deepEqual((await world.build('secret', { secrets: { token: Buffer.from('other') } })).ran(), []);
    // Not given and not required: not there.
    await world.write('secret', { Dockerfile: 'FROM debian\nRUN --mount=type=secret,id=none test ! -e /run/secrets/none\n' });
    await world.build('secret');
  });

  it('ssh gives the agent that was named', async () => {
    const path = join(world.root, 'agent.sock');
    const server = createServer((socket) => socket.end('agent'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      await world.write('ssh', { Dockerfile: 'FROM debian\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && echo "$SSH_AUTH_SOCK"\nRUN test -z "$SSH_AUTH_SOCK"\n' });
      assert.equal((await world.build('ssh', { sshAgents: { default: path } })).output, '/run/buildkit/ssh_agent.0\n');
    } finally {
      server.close();
    }
  });

  it('runs a document by the interpreter it names, and without the sandbox only where allowed', async () => {
    await world.write('script', { Dockerfile: 'FROM debian\nRUN <<EOF\n#!/usr/bin/perl\nprint "perl ", 6 * 7, "\\n";\nEOF\nRUN --security=insecure grep CapEff /proc/self/status | cut -f2 > /caps\n' });
    const built = await world.build('script', { tags: ['script'], allowInsecure: true });
    assert.equal(built.output, 'perl 42\n');
    const caps = (await world.readFile('script', 'caps')).trim();
    const ours = /CapBnd:\s*(\w+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
    assert.equal(caps, ours);
  });
});
