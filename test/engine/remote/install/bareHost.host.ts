import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quietContext } from '../../../../engine/base/context.ts';
import { quoteForShell } from '../../../../engine/remote/connection.ts';
import type { EngineArchive, EngineArchives } from '../../../../engine/remote/install/archive.ts';
import { installEngine } from '../../../../engine/remote/install/installEngine.ts';
import type { RemoteEngine } from '../../../../engine/remote/install/installEngine.ts';
import { removeEngine } from '../../../../engine/remote/install/removeEngine.ts';
import { startRemoteEngine } from '../../../../engine/remote/install/startRemoteEngine.ts';
import { BareHost } from '../../../support/bareHost.ts';
import { packagedEngine, readAll } from '../../../support/engineArchive.ts';
import { dockerArchive, plainLayer } from '../../../support/imageArchive.ts';
import { tarball } from '../../../support/tarball.ts';

for (const kind of ['busybox', 'debian'] as const) {
  describe(`the packaged engine in a root of ${kind === 'busybox' ? 'nothing but a static BusyBox' : 'plain Debian'}`, () => {
    let archives: EngineArchives;
    let archive: EngineArchive;
    let host: BareHost;
    let engine: RemoteEngine;
    let busybox: Buffer;

    before(async function () {
      this.timeout(120_000);
      archives = await packagedEngine();
      archive = await archives.archiveFor(process.arch as 'x64' | 'arm64');
      busybox = await readAll(archive.unpacker.open(0));
      host = await BareHost.start(kind, busybox, 'pkgbare');
    });
    after(() => host.stop());

    /** Runs berth there; throws when it fails. */
    async function berth(args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<string> {
      const child = await host.connection.exec([engine.program, ...args].map(quoteForShell).join(' '));
      child.stdin.end(input);
      const [out, err, { code }] = await Promise.all([readAll(child.stdout), readAll(child.stderr), child.exit]);
      assert.equal(code, 0, `berth ${args.join(' ')}: ${err.toString()}`);
      return out.toString();
    }

    it('is installed, and its doctor finds nothing that keeps containers from running', async () => {
      engine = await installEngine(host.connection, archives, quietContext);
      assert.equal(engine.home, `/root/.berth/engine/${archive.digest}`);
      const report = JSON.parse(await berth(['doctor', '--json'])) as { ok: boolean; steps: ReadonlyArray<{ id: string; status: string; seen: string }> };
      assert.deepEqual(report.steps.filter(({ status }) => status === 'fail'), []);
      assert.match(report.steps.find(({ id }) => id === 'tools')?.seen ?? '', new RegExp(`crun, runc, conmon, .*in ${engine.home}/bin`));
    });

    it('runs containers: output, status, input, a network, an init', async () => {
      const status = await startRemoteEngine(host.connection, engine, quietContext.signal);
      assert.equal(status.socketPath, '/run/berth/berth.sock');
      const layer = plainLayer(tarball([{ path: 'bin/', type: 'directory', mode: 0o755 }, { path: 'bin/busybox', content: busybox, mode: 0o755 }, { path: 'bin/sh', type: 'symlink', linkPath: 'busybox' }]));
      await berth(['load'], dockerArchive({ layers: [layer], tags: ['bare:1'], config: { config: { Env: ['PATH=/bin'] } } }).archive);
      assert.equal(await berth(['run', '--rm', 'bare:1', 'sh', '-c', 'echo from inside; busybox uname -s']), 'from inside\nLinux\n');
      assert.equal(await berth(['run', '--rm', '-i', 'bare:1', 'busybox', 'cat'], Buffer.from('through')), 'through');
      assert.match(await berth(['run', '--rm', '--init', 'bare:1', 'sh', '-c', 'busybox ip addr show eth0; busybox ps']), /inet 10\.[^]*\/dev\/init -- sh/);
    });

    it('builds', async () => {
      const context = join(host.root, 'root/context');
      await mkdir(context);
      await writeFile(join(context, 'Dockerfile'), 'FROM bare:1\nCOPY Dockerfile /\nRUN busybox cat /Dockerfile > /made\n');
      await berth(['build', '-t', 'built', '/root/context']);
      assert.equal(await berth(['run', '--rm', 'built', 'busybox', 'head', '-n', '1', '/made']), 'FROM bare:1\n');
      await rm(context, { recursive: true });
    });

    it('is purged with its containers, and leaves the host as it was', async () => {
      await berth(['run', '-d', '--name', 'stays', 'bare:1', 'busybox', 'sleep', '1000']);
      await assert.rejects(removeEngine(host.connection, { purge: true, running: 'refuse' }, quietContext), { code: 'REMOTE_CONTAINERS_RUNNING', params: { host: 'local', count: 1 } });
      assert.deepEqual(await removeEngine(host.connection, { purge: true, running: 'stop' }, quietContext), ['/var/lib/berth', '/run/berth', '/root/.berth/engine']);
      assert.deepEqual((await readdir(join(host.root, 'root'))).filter((name) => name === '.berth'), []);
      assert.deepEqual((await readdir(join(host.root, 'tmp'))), []);
      const child = await host.connection.exec('cat /proc/[0-9]*/comm /proc/mounts /proc/net/dev');
      // Below /dev, which it shares with this machine, are mounts of other tests.
      const text = (await readAll(child.stdout)).toString().replaceAll(/^\S+ \/dev\/shm\/.*$/gm, '');
      assert.doesNotMatch(text, /conmon|^node|berth|overlay \/var|veth/m);
      assert.ok(!(await readFile('/proc/self/mounts', 'utf8')).includes(host.root));
    });
  });
}
