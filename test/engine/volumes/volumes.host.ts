import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';

const IMAGE = 'debian:bookworm';

describe('volumes and mounts of containers', () => {
  let engine: TestEngine;
  let scratch: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'berth-rfvol-'));
    // On a disk, so that there are extended attributes of users.
    engine = await TestEngine.start({ instance: 'rfvol', parent: scratch });
    await engine.docker(['import', await baseTar(), IMAGE]);
  });
  after(async () => {
    await engine.remove();
    await rm(scratch, { recursive: true, force: true });
  });

  const docker = (...args: string[]) => engine.docker(args, { okStatus: 'any' });
  const berth = (...args: string[]) => engine.berth(args, { okStatus: 'any' });
  const inside = async (script: string, ...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await docker('run', '--rm', ...args, IMAGE, 'sh', '-c', script);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const dataOf = (name: string): string => join(engine.dataRoot, 'volumes', name, '_data');

  describe('export and import', () => {
    it('carry owners, modes, attributes, links, times and holes', async () => {
      await inside('cd /v; echo hi > a; chown 1234:4321 a; chmod 4750 a; ln a b; ln -s /etc/x c; mkdir -m 1777 d; mkfifo d/p; mknod d/n c 1 3; touch -d 2001-02-03T04:05:06Z a; truncate -s 200M hole; echo end >> hole; touch "$(printf "x\\ny")"; chown 7:8 .; chmod 711 .', '-v', 'whole:/v', '--cap-add', 'MKNOD');
      await run('setfattr', ['-n', 'user.colour', '-v', 'blue', join(dataOf('whole'), 'a')]);
      await run('setfattr', ['-n', 'trusted.secret', '-v', 'x', join(dataOf('whole'), 'd')]);
      await run('setfattr', ['-n', 'security.selinux', '-v', 'u:object_r:t:s0', join(dataOf('whole'), 'd')]); // as a host with SELinux has it
      const tar = join(engine.root, 'whole.tar');
      assert.equal((await berth('volume', 'export', 'whole', '-o', tar)).status, 0);
      assert.ok((await stat(tar)).size < 1024 * 1024, 'a hole is no bytes');
      assert.ok(!(await readFile(tar)).includes('security.selinux'), 'a label is the host’s');
      await run('gzip', ['-k', tar]);
      for (const [name, file] of [['plain', tar], ['zipped', `${tar}.gz`]] as const) {
        const imported = await berth('volume', 'import', '--label', 'from=backup', name, file);
        assert.equal(imported.stdout, `${name}\n`, imported.stderr);
        assert.equal((await docker('volume', 'inspect', '-f', '{{.Labels.from}}', name)).stdout, 'backup\n');
        const listing = async (volume: string): Promise<string> => (await run('sh', ['-c', 'find . -printf "%p %y %m %U:%G %n %s %l %Ts\\n" | LC_ALL=C sort; getfattr -h -R -d -m "user|trusted" .'], { cwd: dataOf(volume) })).stdout;
        assert.equal(await listing(name), await listing('whole'));
        assert.ok((await stat(join(dataOf(name), 'hole'))).blocks * 512 < 1024 * 1024, 'the hole is one again');
        const [a, b] = await Promise.all(['a', 'b'].map((file_) => stat(join(dataOf(name), file_))));
        assert.equal(a?.ino, b?.ino);
      }
    });

    it('go through a pipe, and are all or nothing', async () => {
      await inside('echo old > /v/old', '-v', 'busy:/v');
      const tar = join(engine.root, 'whole.tar');
      const full = await berth('volume', 'import', 'busy', tar);
      assert.match(full.stderr, /not empty.*--replace.*\[VOLUME_NOT_EMPTY\]/s);
      const bytes = await readFile(tar);
      await writeFile(join(engine.root, 'cut.tar'), bytes.subarray(0, bytes.length / 3));
      for (const file of ['cut.tar', 'docker-config']) {
        await writeFile(join(engine.root, 'docker-config.txt'), 'no tar at all'.repeat(100));
        const broken = await berth('volume', 'import', '--replace', 'busy', join(engine.root, file === 'cut.tar' ? file : 'docker-config.txt'));
        assert.match(broken.stderr, /\[VOLUME_ARCHIVE_INVALID\]/);
        assert.deepEqual(await readdir(dataOf('busy')), ['old']);
      }
      assert.notEqual((await berth('volume', 'import', 'never', join(engine.root, 'cut.tar'))).status, 0);
      assert.notEqual((await docker('volume', 'inspect', 'never')).status, 0);
      await docker('run', '-d', '--name', 'user', '-v', 'busy:/v', IMAGE, 'sleep', '1000');
      assert.match((await berth('volume', 'import', '--replace', 'busy', tar)).stderr, /\[VOLUME_IN_USE\]/);
      await docker('rm', '-f', 'user');
      const piped = await engine.berth(['volume', 'import', '--replace', 'busy'], { input: bytes });
      assert.equal(piped.stdout, 'busy\n');
      assert.ok(!(await readdir(dataOf('busy'))).includes('old'));
      assert.deepEqual((await readdir(join(engine.dataRoot, 'volumes'))).filter((name) => name.startsWith('.')), []);
    });

    it('an import that was cut short between the old files and the new ones is undone by the next start', async () => {
      await engine.kill();
      const folder = join(engine.dataRoot, 'volumes/busy');
      await run('mv', [join(folder, '_data'), join(folder, '_data.old')]);
      await mkdir(join(engine.dataRoot, 'volumes/.new-x'));
      await engine.startAgain();
      assert.ok((await readdir(dataOf('busy'))).includes('a'));
      assert.deepEqual((await readdir(folder)).sort(), ['_data', 'volume.json']);
    });
  });

  it('berth volume lists, inspects, creates, removes and prunes, by labels too', async () => {
    await berth('volume', 'create', '--label', 'keep=yes', 'kept');
    await berth('volume', 'create', 'loose');
    const anonymous = (await berth('volume', 'create')).stdout.trim();
    assert.match((await berth('volume', 'ls', '--filter', 'label=keep')).stdout, /^DRIVER {3}VOLUME NAME\nlocal {4}kept\n$/);
    assert.equal((await berth('volume', 'inspect', '-f', '{{.Name}}', 'kept')).stdout, 'kept\n');
    assert.match((await berth('volume', 'prune', '-f')).stdout, new RegExp(`^${anonymous}\nReclaimed`));
    const pruned = (await berth('volume', 'prune', '-f', '--all', '--filter', 'label!=keep')).stdout;
    assert.ok(pruned.includes('loose\n') && !pruned.includes('kept'), pruned);
    assert.equal((await berth('volume', 'rm', 'kept')).stdout, 'kept\n');
    assert.match((await berth('volume', 'rm', 'kept')).stderr, /no such volume.*\[NO_SUCH_VOLUME\]/);
    assert.match((await docker('system', 'df', '-v', '--format', '{{json .Volumes}}')).stdout, /^(null|\[.*\])\s*$/);
  });

  it('a subpath is mounted alone, as a folder or a file, and never leads out of the volume', async () => {
    await inside('mkdir -p /v/in/deep; echo yes > /v/in/deep/file; echo one > /v/single; ln -s /etc /v/out; ln -s in/deep /v/link', '-v', 'parts:/v');
    assert.equal(await inside('ls /m; cat /m/file; echo more > /m/more', '--mount', 'type=volume,source=parts,target=/m,volume-subpath=in/deep'), 'file\nyes\n');
    assert.equal(await readFile(join(dataOf('parts'), 'in/deep/more'), 'utf8'), 'more\n');
    assert.equal(await inside('cat /m', '--mount', 'type=volume,source=parts,target=/m,volume-subpath=single,readonly'), 'one\n');
    assert.equal(await inside('ls /m', '--mount', 'type=volume,source=parts,target=/m,volume-subpath=link'), 'file\nmore\n');
    for (const [subpath, words] of [['out', /there is no such file or folder in the volume/], ['missing', /there is no such file or folder in the volume/], ['../../x', /relative path within the volume/], ['/abs', /relative path within the volume/]] as const) {
      const { status, stderr } = await docker('run', '--rm', '--mount', `type=volume,source=parts,target=/m,volume-subpath=${subpath}`, IMAGE, 'ls', '/m');
      assert.notEqual(status, 0, subpath);
      assert.match(stderr, words);
    }
    await run('sh', ['-c', `grep -c subpaths /proc/self/mountinfo || true`]).then(({ stdout }) => assert.equal(stdout.trim(), '0'));
  });

  it('mounts made on one side are seen on the other as the propagation says', async () => {
    const shared = join(scratch, 'shared');
    await mkdir(shared);
    await run('mount', ['--bind', shared, shared]);
    await run('mount', ['--make-rshared', shared]);
    try {
      for (const [mode, hostSeen, containerSeen] of [['rshared', true, true], ['rslave', true, false], ['rprivate', false, false]] as const) {
        const [there, here] = [join(shared, `from-host-${mode}`), join(shared, `from-container-${mode}`)];
        await mkdir(there);
        await mkdir(here);
        await docker('run', '-d', '--name', mode, '--privileged', '--mount', `type=bind,source=${shared},target=/m,bind-propagation=${mode}`, IMAGE, 'sleep', '1000');
        await run('mount', ['-t', 'tmpfs', 'none', there]);
        await writeFile(join(there, 'mark'), '');
        assert.equal((await docker('exec', mode, 'test', '-e', `/m/from-host-${mode}/mark`)).status === 0, hostSeen, `${mode}: the host's mount`);
        assert.equal((await docker('exec', mode, 'sh', '-c', `mount -t tmpfs none /m/from-container-${mode} && touch /m/from-container-${mode}/mark`)).status, 0);
        assert.equal((await readdir(here)).includes('mark'), containerSeen, `${mode}: the container's mount`);
        await docker('rm', '-f', mode);
        await run('umount', [there]);
        if (containerSeen) await run('umount', [here]);
      }
      const plain = join(scratch, 'plain');
      await mkdir(plain);
      await run('mount', ['--bind', plain, plain]);
      await run('mount', ['--make-private', plain]);
      const refused = await docker('create', '-v', `${plain}:/m:rshared`, IMAGE, 'true');
      await run('umount', [plain]);
      assert.match(refused.stderr, /is mounted on a private mount, not on a shared one/);
    } finally {
      await run('umount', ['-R', shared]);
    }
  });

  it('--mount and --tmpfs do what they say, and refuse what they do not know', async () => {
    assert.equal(await inside('ls /etc | wc -l', '--mount', 'type=volume,target=/etc/apt,volume-nocopy'), await inside('ls /etc | wc -l'));
    assert.equal(await inside('ls -A /etc/apt', '--mount', 'type=volume,target=/etc/apt,volume-nocopy'), '');
    assert.match(await inside('stat -c "%a" /t; grep " /t " /proc/mounts', '--mount', 'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770'), /^1770\ntmpfs \/t tmpfs rw,nosuid,nodev,noexec.*size=1024k/);
    assert.match(await inside('stat -c "%u:%g %a" /t; cp /bin/true /t/ && /t/true; grep " /t " /proc/mounts', '--tmpfs', '/t:exec,size=64m,mode=0700,uid=5,gid=6'), /^5:6 700\n.*size=65536k/);
    const below = join(scratch, 'below');
    await mkdir(join(below, 'sub'), { recursive: true });
    await run('mount', ['-t', 'tmpfs', 'none', join(below, 'sub')]);
    await symlink('x', join(below, 'sub', 'mark'));
    try {
      assert.equal(await inside('ls /m/sub', '--mount', `type=bind,source=${below},target=/m,bind-nonrecursive=true`), '');
      const through = (options: string) => docker('run', '--rm', '--mount', `type=bind,source=${below},target=/m,readonly${options}`, IMAGE, 'touch', '/m/sub/written');
      assert.notEqual((await engine.berth(['run', '--rm', '--mount', `type=bind,source=${below},target=/m,readonly,bind-recursive=readonly`, IMAGE, 'touch', '/m/sub/written'], { okStatus: 'any' })).status, 0);
      assert.notEqual((await through('')).status, undefined);
    } finally {
      await run('umount', [join(below, 'sub')]);
    }
    for (const [args, words] of [
      [['--tmpfs', '/t:size=lots'], /invalid tmpfs option.*size=lots/],
      [['--mount', 'type=volume,source=x,target=/t,volume-driver=nfs'], /there is no volume driver nfs/],
      [['--mount', `type=bind,source=${scratch}/none,target=/t`], /none/],
    ] as const) {
      const { status, stderr } = await docker('create', ...args, IMAGE, 'true');
      assert.notEqual(status, 0, args.join(' '));
      assert.match(stderr, words);
    }
    for (const spec of ['type=bind,source=/tmp,target=/t,volume-nocopy', 'type=tmpfs,target=/t,source=/x', 'type=bind,source=/tmp,target=/t,bind-propagation=none', 'type=bind,source=/tmp,target=/t,bind-recursive=maybe']) {
      assert.notEqual((await berth('create', '--mount', spec, IMAGE, 'true')).status, 0, spec);
    }
  });
});
