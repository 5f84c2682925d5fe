import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../../../../engine/base/context.ts';
import { quietContext } from '../../../../engine/base/context.ts';
import { ApiClient } from '../../../../engine/api/client.ts';
import { run, start } from '../../../../engine/host/process.ts';
import type { HostConnection, RemoteProcess } from '../../../../engine/remote/connection.ts';
import type { EngineArchive, EngineArchives } from '../../../../engine/remote/install/archive.ts';
import { installEngine } from '../../../../engine/remote/install/installEngine.ts';
import { removeEngine } from '../../../../engine/remote/install/removeEngine.ts';
import { startRemoteEngine } from '../../../../engine/remote/install/startRemoteEngine.ts';
import { otherVersion, packagedEngine, readAll, sending } from '../../../support/engineArchive.ts';
import { leftovers } from '../../../support/leftovers.ts';
import { localConnection } from '../../../support/localConnection.ts';

const MIB = 1024 * 1024;

describe('the engine on a host', () => {
  let archives: EngineArchives;
  let archive: EngineArchive;
  let root: string;
  let home: string;
  let env: NodeJS.ProcessEnv;
  let host: HostConnection;

  before(async function () {
    this.timeout(240_000);
    archives = await packagedEngine();
    archive = await archives.archiveFor(process.arch as 'x64' | 'arm64');
  });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'berth-pkg-'));
    home = join(root, 'home');
    await mkdir(home);
    env = { PATH: process.env['PATH'], HOME: home, BERTH_DATA_ROOT: join(root, 'data'), BERTH_RUN_ROOT: join(root, 'run'), BERTH_INSTANCE: 'pkginst' };
    host = localConnection(env);
  });
  afterEach(async () => {
    await run('umount', ['-l', join(root, 'disk')], { okStatus: 'any' });
    await rm(root, { recursive: true, force: true });
  });

  const engineFolder = (): string => join(home, '.berth', 'engine');
  const install = (from: EngineArchives = archives, connection = host): ReturnType<typeof installEngine> => installEngine(connection, from, quietContext);
  const purge = (): Promise<readonly string[]> => removeEngine(host, { purge: true, running: 'refuse' }, quietContext);

  it('is carried there, started on demand with its own tools, and removed without a trace', async () => {
    const engine = await install();
    assert.equal(engine.program, join(engineFolder(), archive.digest, 'berth'));
    const { socketPath } = await startRemoteEngine(host, engine, quietContext.signal);
    const { runtime } = await startRemoteEngine(host, engine, quietContext.signal) as { runtime: { path: string } };
    assert.equal(await new ApiClient(socketPath).send('GET', '/_ping'), 200);
    assert.ok(runtime.path.startsWith(join(engine.home, 'bin/')), runtime.path);
    assert.deepEqual(await removeEngine(host, { purge: false, running: 'refuse' }, quietContext), [join(root, 'run'), engineFolder()]);
    assert.ok(existsSync(join(root, 'data/content')), 'the data was to stay');
    await startRemoteEngine(host, await install(), quietContext.signal);
    assert.deepEqual(await purge(), [join(root, 'data'), join(root, 'run'), engineFolder()]);
    assert.deepEqual([await readdir(home), await readdir(root), await leftovers(root, 'pkginst')], [[], ['home'], []]);
  });

  it('is found again by one command, and nothing is carried', async () => {
    await install();
    let commands = 0;
    const counted: HostConnection = { ...host, exec: (command) => ((commands += 1), host.exec(command)) };
    assert.equal((await install(archives, counted)).digest, archive.digest);
    assert.equal(commands, 1);
  });

  it('goes on where the link was lost, and half of it can be purged', async () => {
    await assert.rejects(install(archives, cutAfter(host, 10 * MIB)), { code: 'REMOTE_UPLOAD_INTERRUPTED' });
    const seen: Progress[] = [];
    await installEngine(host, archives, { ...quietContext, report: (progress) => seen.push(progress) });
    assert.ok((seen[0]?.current ?? 0) > 10 * MIB, `the second upload began at ${seen[0]?.current}`);
    assert.deepEqual((await readdir(engineFolder())).sort(), [archive.digest, 'current'].sort());
    await assert.rejects(install(await otherVersion(archives, '1'), cutAfter(host, MIB)), { code: 'REMOTE_UPLOAD_INTERRUPTED' });
    await rm(join(engineFolder(), archive.digest, 'berth'));
    await purge();
    assert.deepEqual(await readdir(home), []);
  });

  it('takes over what a killed shell left, lock and all', async () => {
    const part = (await readAll(archive.open(0))).subarray(0, 5 * MIB);
    await mkdir(engineFolder(), { recursive: true });
    await writeFile(join(engineFolder(), `.part-${archive.digest}.0`), part);
    const ended = start('true', []);
    await once(ended, 'exit');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const { stdout } = await run('uname', ['-n']);
    await symlink(`${stdout.trim()}:${boot}:${ended.pid}`, join(engineFolder(), `.lock-${archive.digest}.0`));
    const seen: Progress[] = [];
    await installEngine(host, archives, { ...quietContext, report: (progress) => seen.push(progress) });
    assert.ok((seen[0]?.current ?? 0) > 5 * MIB);
    assert.deepEqual((await readdir(engineFolder())).sort(), [archive.digest, 'current'].sort());
  });

  it('loses nothing when the shell is killed while it unpacks: the version before works, and the next time nothing is carried again', async () => {
    const before = await install();
    const next = await otherVersion(archives, '1');
    const bin = join(root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'tar'), '#!/bin/sh\nkill -9 $PPID\n', { mode: 0o755 });
    await assert.rejects(install(next, localConnection({ ...env, PATH: `${bin}:${env['PATH'] ?? ''}` })), { code: 'REMOTE_UPLOAD_INTERRUPTED' });
    assert.equal(await readlink(join(engineFolder(), 'current')), before.digest);
    assert.match((await run(before.program, ['--version'])).stdout, /^\d+\.\d+\.\d+/);
    const seen: Progress[] = [];
    const { digest } = await installEngine(host, next, { ...quietContext, report: (progress) => seen.push(progress) });
    assert.deepEqual(seen.filter(({ current }) => current !== undefined), []);
    assert.deepEqual((await readdir(engineFolder())).sort(), [before.digest, digest, 'current', 'previous'].sort());
  });

  it('is refused when it arrives damaged, and nothing of that is kept', async () => {
    const bytes = await readAll(archive.open(0));
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await assert.rejects(install(sending(archive, bytes, archive)), { code: 'REMOTE_UPLOAD_CORRUPT' });
    assert.deepEqual(await readdir(engineFolder()), []);
  });

  it('is installed once when two clients do it at once', async () => {
    const [one, two] = await Promise.all([install(), install()]);
    assert.equal(one.home, two.home);
    assert.deepEqual((await readdir(engineFolder())).sort(), [archive.digest, 'current'].sort());
    assert.match((await run(one.program, ['--version'])).stdout, /^\d+\.\d+\.\d+/);
  });

  it('keeps the version before, and an older one only while it runs, and not what uploads left long ago', async () => {
    const versions = [archives, await otherVersion(archives, '1'), await otherVersion(archives, '2'), await otherVersion(archives, '3')];
    const [first, second] = [await install(versions[0]), await install(versions[1])];
    const running = start(join(first.home, 'app/node'), ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(running.stdout ?? running, 'data');
    const old = new Date(Date.now() - 3_600_000);
    for (const { home: folder } of [first, second]) await utimes(folder, old, old);
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    const forgotten = ['.part-of-an-upload.0', '.new-of-an-upload.0'].map((name) => join(engineFolder(), name));
    await writeFile(forgotten[0] ?? '', 'half');
    await mkdir(forgotten[1] ?? '');
    for (const path of forgotten) await utimes(path, yesterday, yesterday);
    const third = await install(versions[2]);
    const names = async (): Promise<string[]> => (await readdir(engineFolder())).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort();
    assert.deepEqual(await names(), [first.digest, second.digest, third.digest].sort());
    assert.deepEqual(forgotten.filter((path) => existsSync(path)), [], 'what an upload left a day ago');
    assert.deepEqual([await readlink(join(engineFolder(), 'current')), await readlink(join(engineFolder(), 'previous'))], [third.digest, second.digest]);
    running.kill('SIGKILL');
    await once(running, 'exit');
    const fourth = await install(versions[3]);
    assert.deepEqual(await names(), [third.digest, fourth.digest].sort());
  });

  it('brings its unpacker to a host without tar, gzip and sha256sum', async () => {
    const bin = join(root, 'bin');
    await mkdir(bin);
    for (const tool of ['cat', 'chmod', 'date', 'df', 'id', 'ln', 'mkdir', 'mv', 'readlink', 'rm', 'tail', 'uname', 'wc']) {
      await symlink((await run('/bin/sh', ['-c', 'command -v "$1"', 'sh', tool])).stdout.trim(), join(bin, tool));
    }
    const { program } = await install(archives, localConnection({ ...env, PATH: bin }));
    assert.match((await run(program, ['--version'])).stdout, /^\d+\.\d+\.\d+/);
  });

  it('is carried by a user who is not root, and what containers run from it is for every user', async () => {
    await run('chown', ['65534:65534', root, home]);
    const nobody = localConnection(env, ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']);
    const engine = await install(archives, nobody);
    const [folder, init] = await Promise.all([stat(join(home, '.berth')), stat(join(engine.home, 'bin/catatonit'))]);
    assert.deepEqual([folder.uid, (folder.mode & 0o777).toString(8), (init.mode & 0o777).toString(8)], [65534, '700', '755']);
    await removeEngine(nobody, { purge: true, running: 'refuse' }, quietContext);
    assert.deepEqual(await readdir(home), []);
  });

  it('can be purged when it does not start any more, and its containers end with it', async () => {
    const engine = await install();
    await mkdir(join(root, 'data/containers/one'), { recursive: true });
    // A conmon and the container below it.
    await copyFile(join(engine.home, 'app/node'), join(engine.home, 'bin/conmon'));
    const monitor = start(join(engine.home, 'bin/conmon'), ['-e', 'const { pid } = require("node:child_process").spawn("sleep", ["1000"]); console.log(pid); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(monitor.stdout ?? monitor, 'data')) as [Buffer];
    await writeFile(join(engine.home, 'app/berth.cjs'), 'process.exit(1)');
    await assert.rejects(purge(), { code: 'REMOTE_CONTAINERS_RUNNING', params: { host: 'local', count: 1 } });
    const ended = once(monitor, 'exit');
    await removeEngine(host, { purge: true, running: 'stop' }, quietContext);
    await ended;
    assert.deepEqual([await readdir(home), await readdir(root)], [[], ['home']]);
    while (existsSync(`/proc/${said.toString().trim()}/exe`)) await delay(5);
  });

  it('is refused by a full disk before and in the middle of the upload, by noexec, by no permission to write: each by its code', async () => {
    const disk = join(root, 'disk');
    await mkdir(disk);
    const mounted = async (options: string): Promise<void> => {
      await run('umount', ['-l', disk], { okStatus: 'any' });
      await run('mount', ['-t', 'tmpfs', '-o', options, 'disk', disk]);
    };
    const there = (connection = host): ReturnType<typeof installEngine> => installEngine(connection, archives, quietContext, { dir: join(disk, 'deep/er/berth') });
    await mounted('size=100m');
    await assert.rejects(there(), { code: 'REMOTE_DISK_FULL' });
    await mounted('size=300m,noexec');
    await assert.rejects(there(), { code: 'REMOTE_NOEXEC' });
    await mounted('size=300m,ro');
    await assert.rejects(there(), { code: 'REMOTE_FOLDER_NOT_WRITABLE' });
    await mounted('size=300m');
    const filling: HostConnection = { ...host, exec: (command) => host.exec(command.includes('offset') ? `head -c 280M /dev/zero > ${disk}/other; ${command}` : command) };
    await assert.rejects(there(filling), { code: 'REMOTE_DISK_FULL' });
    await rm(join(disk, 'other'));
    assert.equal((await there()).home, join(disk, 'deep/er/berth/engine', archive.digest));
    await removeEngine(host, { dir: join(disk, 'deep/er/berth'), purge: true, running: 'refuse' }, quietContext);
    assert.deepEqual(await readdir(disk), [], 'folders that were made on the way');
  });

  it('is refused for what the host says of itself, and a clock that is wrong is told', async () => {
    const bin = join(root, 'bin');
    await mkdir(bin);
    const answering = async (command: string, script: string): Promise<HostConnection> => {
      await writeFile(join(bin, command), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return localConnection({ ...env, PATH: `${bin}:${env['PATH'] ?? ''}` });
    };
    const uname = (flag: string, answer: string): Promise<HostConnection> => answering('uname', `case $1 in ${flag}) echo ${answer} ;; *) exec /usr/bin/uname "$@" ;; esac`);
    await assert.rejects(install(archives, await uname('-s', 'FreeBSD')), { code: 'REMOTE_NOT_LINUX' });
    await assert.rejects(install(archives, await uname('-m', 'armv7l')), { code: 'REMOTE_ARCHITECTURE_UNSUPPORTED' });
    await assert.rejects(install(archives, await uname('-r', '5.10.0')), { code: 'REMOTE_KERNEL_TOO_OLD' });
    assert.deepEqual(await readdir(home), []);
    await rm(join(bin, 'uname'));
    const { warnings } = await install(archives, await answering('date', 'echo 1000000000'));
    assert.deepEqual(warnings.map(({ code }) => code), ['REMOTE_CLOCK_WRONG']);
  });

  it('cannot be brought where the login runs something else than a shell', async () => {
    const forced: HostConnection = { ...host, exec: () => host.exec('echo "This account is not available."; exit 1') };
    await assert.rejects(install(archives, forced), { code: 'REMOTE_PROBE_FAILED' });
  });

  it('stops being carried when the work is cancelled', async () => {
    const stop = new AbortController();
    await assert.rejects(installEngine(host, archives, { signal: stop.signal, report: ({ current }) => (current ?? 0) > MIB && stop.abort() }), { code: 'CANCELLED' });
    await install();
    assert.deepEqual((await readdir(engineFolder())).sort(), [archive.digest, 'current'].sort());
  });
});

/** A connection that is lost when about so many bytes of an upload went through. */
function cutAfter(host: HostConnection, limit: number): HostConnection {
  const exec = async (command: string): Promise<RemoteProcess> => {
    const process = await host.exec(command);
    if (!command.includes('offset')) return process;
    let passed = 0;
    const { stdin } = process;
    const original = stdin.write.bind(stdin) as (chunk: Buffer) => boolean;
    stdin.write = ((chunk: Buffer) => {
      passed += chunk.length;
      if (passed <= limit) return original(chunk);
      original(chunk.subarray(0, Math.max(0, chunk.length - (passed - limit))));
      stdin.end();
      return true;
    }) as typeof stdin.write;
    return process;
  };
  return { ...host, exec };
}
