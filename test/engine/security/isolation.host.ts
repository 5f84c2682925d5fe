import assert from 'node:assert/strict';
import { chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { tarball } from '../../support/tarball.ts';
import type { Member } from '../../support/tarball.ts';
import { EPERM, refused } from './syscalls.ts';

const ENOENT = 2;
const EROFS = 30;
/** Docker's fourteen capabilities. */
const CAPABILITIES = 0xa80425fbn;

describe('attempts to break out of a default container', function () {
  this.timeout(60_000);
  let engine: TestEngine;
  before(async () => {
    engine = await TestEngine.start({ instance: 'isolate' });
    await engine.docker(['import', await baseTar(), 'debian:bookworm']);
    await engine.docker(['run', '-d', '--name', 'box', 'debian:bookworm', 'sleep', 'infinity']);
  });
  after(() => engine.remove());

  const inBox = (...command: string[]) => engine.docker(['exec', 'box', ...command], { okStatus: 'any' });
  const sh = async (script: string): Promise<string> => {
    const { stdout, stderr } = await inBox('sh', '-c', script);
    return stdout + stderr;
  };
  /** Runs Perl that prints error numbers; 0: it was let do it. */
  const perl = async (script: string): Promise<number[]> => (await inBox('perl', '-e', script)).stdout.trim().split(/\s+/).map(Number);

  describe('by system calls', () => {
    /** Each in a process of its own: one that is let do it does not change how the next one fares. One that dies of it was let do it. (Children of children become those of the first process.) */
    const attempts = refused.map((call) => `$| = 1; $c = fork; unless ($c) { $p = $$; $r = syscall(${[call[process.arch === 'arm64' ? 'arm64' : 'x64'], ...(call.args ?? ['0', '0', '0']), '0', '0', '0'].slice(0, 6).join(', ')}); exit if $p != $$; print $r == -1 ? $!+0 : 0, " "; exit } waitpid $c, 0; print "0 " if $? & 127;`).join('\n');
    let results: number[];
    before(async () => (results = await perl(attempts)));
    for (const [index, { name, error = EPERM }] of refused.entries()) it(`refuses ${name}`, () => assert.equal(results[index], error));

    it('would see them let through: in a privileged container none is refused so', async () => {
      const { stdout } = await engine.docker(['run', '--rm', '--privileged', '--network', 'none', 'debian:bookworm', 'perl', '-e', attempts]);
      const let_ = stdout.trim().split(/\s+/).map(Number);
      assert.equal(let_.length, refused.length);
      assert.deepEqual(refused.filter(({ error = EPERM }, index) => let_[index] === error).map(({ name }) => name), []);
    });
  });

  describe('by privileges', () => {
    it('has exactly the capabilities of Docker, filtered system calls, and no more in an exec', async () => {
      for (const pid of ['1', 'self']) {
        const status = await sh(`cat /proc/${pid}/status`);
        const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? 'f'}`);
        assert.equal(mask('CapBnd') & ~CAPABILITIES, 0n, pid);
        assert.equal(mask('CapEff') & ~CAPABILITIES, 0n, pid);
        assert.equal(mask('CapInh') | mask('CapAmb'), 0n, pid);
        assert.match(status, /^Seccomp:\t2$/m, pid);
      }
    });

    it('cannot open devices it makes: disk, kernel memory and log, FUSE, loop control', async () => {
      const devices = ['b 259 0', 'b 8 0', 'b 253 0', 'c 1 1', 'c 1 2', 'c 1 11', 'c 10 229', 'c 10 237', 'c 10 200'];
      const nodes = devices.map((numbers, index) => `mknod /tmp/n${index} ${numbers}`).join(' && ');
      assert.equal(await sh(nodes), '');
      assert.deepEqual(await perl(`for (0..${devices.length - 1}) { print sysopen($f, "/tmp/n$_", 2) ? 0 : $!+0, " " }`), devices.map(() => EPERM));
    });

    it('cannot configure its network, or load packet filters', async () => {
      const up = 'socket($s, 2, 2, 0); $r = pack("a16 s x22", "eth0", 0); print ioctl($s, 0x8914, $r) ? 0 : $!+0, " ";';
      const netlink = 'print socket($n, 2, 3, 255) && setsockopt($n, 0, 64, pack("x84")) ? 0 : $!+0';
      assert.deepEqual(await perl(up + netlink), [EPERM, EPERM]);
    });

    it('cannot gain what it was started without', async () => {
      const { stdout } = await engine.docker(['run', '--rm', '--user', '1000', '--security-opt', 'no-new-privileges', 'debian:bookworm', 'sh', '-c', 'grep -E "NoNewPrivs|CapEff" /proc/self/status']);
      assert.match(stdout, /CapEff:\t0+\nNoNewPrivs:\t1/);
    });

    it('keeps a user’s own group among its groups', async () => {
      const { stdout } = await engine.docker(['run', '--rm', '--user', '1000:1000', 'debian:bookworm', 'grep', 'Groups', '/proc/self/status']);
      assert.match(stdout, /^Groups:\t1000 $/m);
    });
  });

  describe('by /proc, /sys and /dev', () => {
    it('cannot write what changes the host', async () => {
      const files = ['/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches', '/proc/irq/default_smp_affinity', '/sys/kernel/mm/transparent_hugepage/enabled', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger', '/sys/power/state'];
      const [always, ...others] = await perl(`for (qw(${files.join(' ')})) { print sysopen($f, $_, 1) ? 0 : $!+0, " " }`);
      assert.equal(always, EROFS);
      assert.deepEqual(others.filter((error) => error !== EROFS && error !== ENOENT), []); // not every kernel has them all
    });

    it('cannot remount them to be written', async () => {
      assert.match(await sh('mount -o remount,rw /proc/sys; mount -o remount,rw /sys; mount -t proc proc /mnt; umount /proc/sys'), /^(.*(permission denied|must be superuser).*\n?(\s+dmesg.*\n)?){4}$/i);
    });

    it('reads nothing of the kernel’s memory, keys and timers', async () => {
      assert.equal(await sh('for f in kcore keys timer_list latency_stats sched_debug; do [ -e /proc/$f ] && head -c 1 /proc/$f; done; ls /proc/scsi /proc/acpi /sys/firmware 2>/dev/null | grep -v :$ | grep .'), '');
    });

    it('cannot make cgroups, move out of its own, or have the host run a release agent', async () => {
      const folders = (await sh('cat /proc/self/mountinfo')).split('\n').filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? '');
      assert.ok(folders.length > 0);
      const errors = await perl(`for (qw(${folders.join(' ')})) { print mkdir("$_/escape") ? 0 : $!+0, " "; for $n (qw(cgroup.procs release_agent)) { print sysopen($f, "$_/$n", 65) ? 0 : $!+0, " " } }`);
      assert.deepEqual(errors.filter((error) => error !== EROFS), []);
    });

    it('has only the devices of every container', async () => {
      const names = (await sh('find /dev -type c -o -type b')).trim().split('\n').map((path) => path.slice(5));
      assert.deepEqual(names.filter((name) => !/^(null|zero|full|random|urandom|tty|console|pts\/(\d+|ptmx))$/.test(name)), []);
    });

    it('sees no process but its own', async () => {
      const { stdout } = await inBox('sh', '-c', 'cat /proc/[0-9]*/comm');
      assert.deepEqual(stdout.trim().split('\n').filter((name) => !/^(sleep|sh|cat)$/.test(name)), []);
    });
  });

  describe('by what the engine holds', () => {
    it('inherits no open files', async () => {
      assert.deepEqual((await sh('for p in 1 $$; do ls /proc/$p/fd; done')).split(/\s+/).filter((fd) => !['0', '1', '2', ''].includes(fd)), []);
      const { stdout } = await engine.docker(['run', '--rm', 'debian:bookworm', 'perl', '-e', 'for (3..1023) { open($f, "<&=", $_) and print "$_ " }']);
      assert.equal(stdout, '');
    });

    it('finds nothing of the host at working directories that are descriptors', async () => {
      for (const fd of [3, 5, 7, 8, 9]) {
        const { stdout } = await engine.docker(['run', '--rm', '-w', `/proc/self/fd/${fd}`, 'debian:bookworm', 'ls', '../../../..'], { okStatus: 'any' });
        assert.ok(!stdout.includes(engine.root.split('/').at(-1) ?? engine.root), `descriptor ${fd}: ${stdout}`);
      }
    });

    it('does not reach the engine’s socket, nor the sockets of the host by name', async () => {
      assert.equal(await sh(`find / -xdev -type s 2>/dev/null; ls ${engine.root} 2>/dev/null; grep -c @ /proc/net/unix`), '0\n');
    });

    it('does not reach what listens on the host’s loopback', async () => {
      const server = createServer((socket) => socket.end('host\n'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const { stdout } = await inBox('bash', '-c', `gw=$(perl -lane 'print join ".", reverse unpack "C4", pack "N", hex $F[2] if $F[1] eq "00000000"' /proc/net/route); for ip in 127.0.0.1 127.0.0.2 $gw; do timeout 1 bash -c "head -1 < /dev/tcp/$ip/${port}" 2>/dev/null; done; echo "tried $gw"`);
        assert.match(stdout, /^tried \d+\.\d+\.\d+\.\d+\n$/);
      } finally {
        server.close();
      }
    });

    it('leaves its files out of reach of the host’s other users, set-user-ID programs above all', async () => {
      await inBox('sh', '-c', 'cp /bin/dash /root-shell && chmod 4755 /root-shell');
      const id = (await engine.docker(['inspect', '-f', '{{.Id}}', 'box'])).stdout.trim();
      const path = join(engine.root, 'data/containers', id, 'rootfs/root-shell');
      await run('test', ['-u', path]);
      await run('chmod', ['711', engine.root]);
      const { status, stderr } = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all', 'ls', path], { okStatus: 'any' });
      assert.equal(status, 2);
      assert.match(stderr, /Permission denied/);
    });
  });

  describe('by hostile images', () => {
    let outside = '';
    const make = async (name: string, members: readonly Member[]): Promise<string> => {
      const tar = join(engine.root, `${name}.tar`);
      await writeFile(tar, tarball(members));
      const context = join(engine.root, name);
      await mkdir(context);
      await run('mv', [tar, join(context, 'files.tar')]);
      await writeFile(join(context, 'Dockerfile'), 'FROM debian:bookworm\nADD files.tar /\n');
      await engine.docker(['build', '-q', '-t', name, context]);
      return name;
    };
    const link = (path: string, linkPath: string): Member => ({ path, type: 'symlink', linkPath });
    before(async () => {
      outside = join(engine.root, 'outside');
      await mkdir(join(outside, 'folder'), { recursive: true });
      await writeFile(join(outside, 'passwd'), 'evil:x:0:0::/root:/bin/sh\n');
      await chown(outside, 1234, 1234);
      await make('links', [link('escape', outside), link('up', '../../../../../../../../..' + outside), link('proc-root', '/proc/1/root' + outside)]);
    });
    const untouched = async (): Promise<void> => assert.deepEqual([await readdir(outside), await readdir(join(outside, 'folder'))], [['folder', 'passwd'], []]);

    for (const place of ['escape', 'up', 'proc-root']) {
      it(`makes working folders, volumes, binds and tmpfs inside, not on the host: /${place}`, async () => {
        const mounts = ['-v', `vol-${place}:/${place}/vol`, '-v', `${outside}/passwd:/${place}/bound`, '--tmpfs', `/${place}/tmp`];
        await engine.docker(['run', '--rm', '-w', `/${place}/work`, 'links', 'true'], { okStatus: 'any' });
        await engine.docker(['run', '--rm', ...mounts, 'links', 'true'], { okStatus: 'any' });
        await untouched();
        await engine.docker(['volume', 'rm', '-f', `vol-${place}`]);
      });
    }

    it('does not copy files through links, in or out, running or not', async () => {
      await engine.docker(['run', '-d', '--name', 'cp', 'links', 'sleep', 'infinity']);
      for (const step of [['stop', '-t', '0', 'cp'], []]) {
        for (const place of ['escape', 'up', 'proc-root']) {
          assert.notEqual((await engine.docker(['cp', `cp:/${place}/passwd`, join(engine.root, 'stolen')], { okStatus: 'any' })).status, 0, place);
          await engine.docker(['cp', join(outside, 'passwd'), `cp:/${place}/folder/planted`], { okStatus: 'any' });
        }
        await untouched();
        if (step.length > 0) await engine.docker(step);
      }
      await engine.docker(['rm', '-f', 'cp']);
    });

    it('looks users up in the image’s files only: not through links, not in FIFOs', async () => {
      await make('passwd-link', [link('etc/passwd', join(outside, 'passwd')), link('etc/group', `../../../..${outside}/passwd`)]);
      const { status, stderr } = await engine.docker(['run', '--rm', '--user', 'evil', 'passwd-link', 'id'], { okStatus: 'any' });
      assert.notEqual(status, 0);
      assert.match(stderr, /unable to find user evil/);
      await make('passwd-fifo', [{ path: 'etc/passwd', type: 'fifo' }, { path: 'etc/group', type: 'character', deviceMajor: 1, deviceMinor: 5 }]);
      assert.equal((await engine.docker(['run', '--rm', '--user', '7:8', 'passwd-fifo', 'id', '-u'])).stdout, '7\n');
    });

    it('puts its own files over links at /etc, and nothing on the host', async () => {
      await make('etc-links', [link('etc/resolv.conf', join(outside, 'resolv.conf')), link('etc/hosts', join(outside, 'passwd'))]);
      await engine.docker(['run', '--rm', 'etc-links', 'sh', '-c', 'echo more >> /etc/hosts'], { okStatus: 'any' });
      assert.equal(await readFile(join(outside, 'passwd'), 'utf8'), 'evil:x:0:0::/root:/bin/sh\n');
      await untouched();
    });

    it('copies into an image’s links inside the image', async () => {
      const context = join(engine.root, 'copies');
      await mkdir(context);
      await writeFile(join(context, 'Dockerfile'), 'FROM links\nCOPY Dockerfile /escape/planted\nCOPY Dockerfile /up/planted\nWORKDIR /escape/made\n');
      await engine.docker(['build', '-q', context]);
      await untouched();
    });
  });

  describe('by archives', () => {
    const send = (file: string, command: readonly string[]) => engine.docker(command, { okStatus: 'any', input: Uint8Array.from(tarball(archives[file] ?? [])) });
    const planted = '/dev/shm/berth-isolation-planted';
    const archives: Readonly<Record<string, readonly Member[]>> = {
      dots: [{ path: '../../../../../..' + planted, content: 'x' }],
      link: [{ path: 'l', type: 'symlink', linkPath: '/dev/shm' }, { path: 'l/berth-isolation-planted', content: 'x' }],
      hardlink: [{ path: 'stolen', type: 'hardlink', linkPath: '/etc/shadow' }],
      fifo: [{ path: 'Dockerfile', type: 'fifo' }],
      device: [{ path: 'Dockerfile', type: 'character', deviceMajor: 1, deviceMinor: 5 }],
      outside: [{ path: 'Dockerfile', type: 'symlink', linkPath: '/etc/shadow' }],
    };
    for (const kind of ['dots', 'link', 'hardlink']) {
      it(`imports no ${kind} that leads out`, async () => {
        assert.notEqual((await send(kind, ['import', '-'])).status, 0);
        await assert.rejects(readFile(planted), { code: 'ENOENT' });
      });
    }
    for (const kind of ['dots', 'link', 'hardlink', 'fifo', 'device', 'outside']) {
      it(`builds from no context with a ${kind}`, async () => {
        const { status, stderr } = await send(kind, ['build', '-']);
        assert.notEqual(status, 0);
        assert.doesNotMatch(stderr, /Internal error|root:/);
        await assert.rejects(readFile(planted), { code: 'ENOENT' });
      });
    }
  });
});
