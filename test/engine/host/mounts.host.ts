import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { lstat, mkdir, mkdtemp, open, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { listMounts, mountBind, mountBindFd, mountOverlay, mountTmpfs, unmount, unmountInside } from '../../../engine/host/mounts.ts';
import type { OverlaySpec } from '../../../engine/host/mounts.ts';
import { mountIdmapped } from '../../../engine/host/idmappedMount.ts';
import { NamespaceHolder } from '../../../engine/host/namespaceHolder.ts';
import { run } from '../../../engine/host/process.ts';

const [MODULE, NATIVE] = ['engine/host/mounts.ts', 'dist/native/native.cjs'].map((path) => resolve(import.meta.dirname, '../../..', path));
/** To the root of a new user namespace nothing that was mounted before it is theirs to take away. */
const ROOT_OF_NO_HOST = ['--user', '--map-root-user', '--mount', '--', process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e'];

describe('mounts by system calls', () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'berth-mounts-'))));
  afterEach(async () => {
    await unmountInside(root);
    await rm(root, { recursive: true });
  });

  const folder = async (...names: readonly string[]): Promise<string> => {
    const path = join(root, ...names);
    await mkdir(path, { recursive: true });
    return path;
  };
  const overlay = async (name: string, lower = 'lower'): Promise<OverlaySpec> => {
    const [lowerDir, upperDir, workDir, target] = await Promise.all([lower, 'upper', 'work', 'merged'].map((part) => folder(name, part)));
    await writeFile(join(lowerDir!, 'file'), name);
    return { lowerDirs: [lowerDir!], upperDir: upperDir!, workDir: workDir!, target: target! };
  };
  const mountedOn = async (target: string): Promise<string[]> => (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.split(' ')[4] === target);

  it('leave the working directory of the process alone, fifty at once', async () => {
    const before = [process.cwd(), await readlink('/proc/self/cwd'), (await stat('.')).ino];
    const specs = await Promise.all(Array.from({ length: 50 }, (_none, index) => overlay(`many-${index}`)));
    let busy = true;
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      do seen.add(JSON.stringify([process.cwd(), await readlink('/proc/self/cwd'), (await stat('.')).ino])); while (busy);
    };
    const looking = Promise.all([look(), look(), look()]);
    await Promise.all(specs.map((spec) => mountOverlay(spec)));
    busy = false;
    await looking;
    assert.deepEqual([...seen], [JSON.stringify(before)]);
    assert.deepEqual(await Promise.all(specs.map(({ target }) => readFile(join(target, 'file'), 'utf8'))), specs.map((_spec, index) => `many-${index}`));
    await unmount(...specs.map(({ target }) => target));
    assert.deepEqual(await Promise.all(specs.map(({ target }) => readdir(target))), specs.map(() => []));
  });

  for (const name of ['a,b', 'a:b', String.raw`a\b`, 'a b "c"', '한글\n']) {
    it(`take a path such as ${JSON.stringify(name)} as it is`, async () => {
      const below = await folder('below');
      const { lowerDirs, ...spec } = await overlay(name, `${name}-lower`);
      await writeFile(join(below, 'lowest'), '');
      await mountOverlay({ ...spec, lowerDirs: [...lowerDirs, below] });
      await writeFile(join(spec.target, 'new'), name);
      await mountBind(spec.target, await folder(name, 'bound'));
      assert.deepEqual((await readdir(join(root, name, 'bound'))).sort(), ['file', 'lowest', 'new']);
      await unmount(join(root, name, 'bound'), spec.target);
      assert.equal(await readFile(join(spec.upperDir, 'new'), 'utf8'), name);
      assert.deepEqual([await readdir(spec.target), await readdir(join(root, name, 'bound'))], [[], []]);
    });
  }

  it('take away all that lies one upon the other, with others that are not mounted, and no links’ ends', async () => {
    const [target, free, kept] = [await folder('target'), await folder('free'), await folder('kept')];
    await writeFile(join(root, 'plain'), '');
    for (let count = 0; count < 3; count += 1) await mountTmpfs(target, { mode: '755', size: 65_536 });
    await mountTmpfs(kept, { mode: '755', size: 65_536 });
    await symlink(kept, join(root, 'link'));
    await unmount(free, target, join(root, 'absent'), join(root, 'plain/below'), join(root, 'plain'), join(root, 'link'));
    assert.deepEqual((await listMounts()).map((mount) => mount.target).filter((path) => path.startsWith(`${root}/`)), [kept]);
    await unmount(kept, kept);
    await unmount(kept);
    await unmount();
    assert.deepEqual(await mountedOn(kept), []);
  });

  it('leave no thread and no descriptor', async () => {
    const held = async (): Promise<number[]> => [(await readdir('/proc/self/task')).length, (await readdir('/proc/self/fd')).length];
    const spec = await overlay('once');
    const file = await open(join(root, 'once'), constants.O_RDONLY);
    const round = async (): Promise<void> => {
      await mountOverlay(spec);
      await mountBindFd(file.fd, await folder('held'));
      await unmount(spec.target, join(root, 'held'));
    };
    await Promise.all(Array.from({ length: 8 }, () => stat(root))); // libuv's own threads are there
    await round();
    const before = await held();
    for (let count = 0; count < 50; count += 1) await round();
    // A thread is seen a moment longer than it is waited for.
    for (const end = Date.now() + 5000; Date.now() < end && (await held())[0]! > before[0]!; ) await delay(5);
    assert.deepEqual(await held(), before);
    await file.close();
  });

  it('bind what a descriptor holds, wherever its name leads by now', async () => {
    const [place, elsewhere, target] = [await folder('place'), await folder('elsewhere'), await folder('target')];
    await writeFile(join(place, 'right'), '');
    await writeFile(join(elsewhere, 'wrong'), '');
    const held = await open(place, constants.O_RDONLY | constants.O_DIRECTORY);
    await rename(place, join(root, 'moved'));
    await symlink(elsewhere, place);
    await mountBindFd(held.fd, target);
    await held.close();
    assert.deepEqual(await readdir(target), ['right']);
  });

  it('forbid what is asked to be forbidden', async () => {
    const spec = await overlay('bare');
    const shm = await folder('shm');
    await mountOverlay({ ...spec, noDevices: true, volatile: true });
    await mountTmpfs(shm, { mode: '1777', size: 1 << 20 });
    assert.match((await mountedOn(spec.target)).join('\n'), / rw,nodev,relatime [^\n]* overlay overlay rw,[^\n]*volatile/);
    assert.match((await mountedOn(shm)).join('\n'), / rw,nosuid,nodev,noexec,relatime [^\n]* tmpfs shm rw,size=1024k/);
    assert.equal((await lstat(shm)).mode & 0o7777, 0o1777);
  });

  it('show other owners through a user namespace’s map', async () => {
    const [source, target] = [await folder('source'), await folder('mapped')];
    await writeFile(join(source, 'file'), '');
    await using holder = await NamespaceHolder.start([{ inside: 0, outside: 70_000, size: 10 }]);
    await mountIdmapped(source, target, holder.userPath);
    assert.deepEqual([(await stat(join(target, 'file'))).uid, (await stat(join(source, 'file'))).uid], [70_000, 0]);
    await assert.rejects(mountIdmapped('/proc', target, holder.userPath), { code: 'IDMAP_UNAVAILABLE', message: /\/proc needs an idmapped mount, which this host cannot make: E[A-Z]+, .* Linux 5\.19/ });
    await assert.rejects(mountIdmapped(source, target, join(root, 'none')), { code: 'IDMAP_UNAVAILABLE', message: /ENOENT/ });
  });

  it('say what failed, where, by which error of the system, and what to do', async () => {
    const { lowerDirs, ...spec } = await overlay('bad');
    const rejected = (work: Promise<void>, message: RegExp): Promise<void> => assert.rejects(work, { code: 'HOST_COMMAND_FAILED', status: 500, message });
    await rejected(mountOverlay({ ...spec, lowerDirs: [join(root, 'bad/gone'), ...lowerDirs] }), /^mount -t overlay \/.*\/bad\/merged failed with status 2: ENOENT, .* berth system check /);
    await rejected(mountOverlay({ ...spec, lowerDirs, workDir: spec.upperDir }), /^mount -t overlay .*EINVAL, .*dmesg/);
    await rejected(mountOverlay({ ...spec, lowerDirs: [join(root, 'gone/a'), join(root, 'gone/b')] }), /ENOENT/);
    await rejected(mountBind(spec.upperDir, join(root, 'absent')), /^mount --bind \/.*\/absent failed with status 2: ENOENT, /);
    await rejected(mountTmpfs(join(lowerDirs[0]!, 'file'), { mode: '755', size: 65_536 }), /^mount -t tmpfs .*ENOTDIR, .*berth doctor/);
  });

  it('are told of when they cannot be taken away, and nothing below is removed then', async () => {
    const place = await folder('data', 'place');
    await mountTmpfs(place, { mode: '755', size: 65_536 });
    const script = `const { unmount, unmountInside } = await import(${JSON.stringify(MODULE)}); const said = []; for (const work of [() => unmount(${JSON.stringify(place)}), () => unmountInside(${JSON.stringify(root)})]) await work().catch((error) => said.push(error.code + ' ' + error.message)); console.log(said.join('\\n'));`;
    const { stdout } = await run('unshare', [...ROOT_OF_NO_HOST, script]);
    assert.match(stdout, /^(HOST_COMMAND_FAILED umount -l \/.*\/data\/place failed with status 22: EINVAL, .*\n){2}$/);
  });

  it('are fuse-overlayfs’s in a user namespace where the kernel refuses', async () => {
    const spec = await overlay('user');
    await mkdir(join(spec.workDir, 'work/incompat/volatile'), { recursive: true }); // what the kernel takes for unsynced, and no other
    const script = `const { mountOverlay, unmount, listMounts } = await import(${JSON.stringify(MODULE)}); const spec = ${JSON.stringify(spec)}; await mountOverlay(spec); const type = (await listMounts()).find(({ target }) => target === spec.target).fsType; await unmount(spec.target); console.log(type, (await listMounts()).some(({ target }) => target === spec.target));`;
    const { stdout } = await run('unshare', [...ROOT_OF_NO_HOST, script]);
    assert.equal(stdout, 'fuse.fuse-overlayfs false\n');
  });

  it('are finished before the worker or the process that began them ends by itself; one that exits ends well', async () => {
    const program = join(root, 'ends.cjs');
    await writeFile(program, `const [, , root, how] = process.argv; const { mount } = require(${JSON.stringify(NATIVE)}); for (let count = 0; count < 10; count += 1) mount(root, 'none', 'target-' + count, 'tmpfs', 'size=64k', 0, () => undefined); if (how === 'exits') process.exit(7);`);
    const inWorker = async (...argv: string[]): Promise<number> => ((await once(new Worker(program, { argv }), 'exit')) as [number])[0];
    const inProcess = async (...argv: string[]): Promise<number> => (await run(process.execPath, [program, ...argv], { okStatus: 'any' })).status;
    const targets = await Promise.all(Array.from({ length: 10 }, (_none, count) => folder(`target-${count}`)));
    for (const [end, how, status] of [[inWorker, 'exits', 7], [inWorker, '', 0], [inProcess, 'exits', 7], [inProcess, '', 0]] as const) {
      assert.equal(await end(root, how), status);
      const mounted = new Set((await listMounts()).map(({ target }) => target));
      // A process that exits waits for nothing.
      if (end === inWorker || how === '') assert.deepEqual(targets.filter((target) => !mounted.has(target)), []);
      await unmount(...targets);
    }
  });
});
