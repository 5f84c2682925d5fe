import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { locateTool } from '../../../engine/host/runtimeChoice.ts';
import { run } from '../../../engine/host/process.ts';
import { baseTar } from '../../support/base.ts';
import { TestEngine } from '../../support/engine.ts';
import { tarball } from '../../support/tarball.ts';

const IMAGE = 'debian:bookworm';
const ESRCH = '3';
const ENOENT = '2';

/** Two tenants of one engine, each with a network; `mate` shares the first one's. What is tried from `mallory` is shown to work for who may. */
describe('attempts on another tenant of the same host', function () {
  this.timeout(60_000);
  let engine: TestEngine;
  let secret = '';
  const addresses: Record<string, string> = {};

  const run_ = (name: string, ...options: string[]) => engine.docker(['run', '-d', '--name', name, ...options, IMAGE, 'sleep', 'infinity']);
  const sh = async (name: string, script: string): Promise<string> => {
    const { stdout, stderr } = await engine.docker(['exec', name, 'bash', '-c', script], { okStatus: 'any' });
    return stdout + stderr;
  };
  const perl = async (name: string, script: string): Promise<string> => (await engine.docker(['exec', name, 'perl', '-e', script], { okStatus: 'any' })).stdout;
  const inspect = async (name: string, format: string): Promise<string> => (await engine.docker(['inspect', '-f', format, name])).stdout.trim();

  before(async () => {
    engine = await TestEngine.start({ instance: 'reten' });
    await engine.docker(['import', await baseTar(), IMAGE]);
    for (const net of ['red', 'blue']) await engine.docker(['network', 'create', net]);
    await run_('mallory', '--network', 'red');
    await run_('mate', '--network', 'red', '-e', 'PASSWORD=of-mate');
    await run_('victim', '--network', 'blue', '-e', 'PASSWORD=of-victim', '-v', 'safe:/safe', '--label', 'tenant=blue');
    for (const name of ['mallory', 'mate', 'victim']) addresses[name] = await inspect(name, '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}} {{.MacAddress}}{{end}}');
    secret = await inspect('victim', '{{.Id}}');
    for (const name of ['mate', 'victim']) await engine.docker(['exec', '-d', name, 'perl', '-MIO::Socket::INET', '-e', 'my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die; open my $f, ">", "/ready"; while (my $c = $s->accept) { print $c "secret\\n"; close $c }']);
    for (const name of ['mate', 'victim']) await sh(name, 'until [ -e /ready ]; do sleep 0.02; done');
  });
  after(() => engine.remove());

  const address = (name: string): string => addresses[name]?.split(' ')[0] ?? '';
  const gateway = (name: string): string => addresses[name]?.split(' ')[1] ?? '';

  describe('over the network', () => {
    const get = (from: string, to: string): Promise<string> => sh(from, `timeout 1 bash -c 'head -1 < /dev/tcp/${to}/80' 2>/dev/null || echo no`);

    it('does not reach its ports; its neighbour’s it does', async () => {
      assert.equal(await get('mallory', address('mate')), 'secret\n');
      assert.equal(await get('mallory', address('victim')), 'no\n');
    });

    it('does not reach it with echo requests', async () => {
      const ping = (to: string): Promise<string> => perl('mallory', `use Socket; socket($s, AF_INET, SOCK_DGRAM, 1) or die; $m = pack("CCnnn", 8, 0, 0, 1, 1); send($s, $m, 0, sockaddr_in(0, inet_aton("${to}"))); $r = ""; vec($r, fileno($s), 1) = 1; print select($r, undef, undef, 0.7) ? "answer" : "none"`);
      assert.equal(await ping(address('mate')), 'answer');
      assert.equal(await ping(address('victim')), 'none');
    });

    it('does not learn its address by name, nor from the server of its network', async () => {
      assert.match(await sh('mallory', 'getent hosts mate'), /mate/);
      assert.equal(await sh('mallory', 'getent hosts victim'), '');
      const query = (server: string, name: string): Promise<string> => perl('mallory', `use Socket; socket($s, AF_INET, SOCK_DGRAM, 17) or die; $q = pack("nnnnnn", 7, 256, 1, 0, 0, 0) . join("", map { pack("C/a", $_) } "${name}", "") . pack("nn", 1, 1); send($s, $q, 0, sockaddr_in(53, inet_aton("${server}"))); $r = ""; vec($r, fileno($s), 1) = 1; if (select($r, undef, undef, 0.7)) { recv($s, $a, 512, 0); print unpack("x6 n", $a) } else { print "none" }`);
      assert.equal(await query(gateway('mallory'), 'mate'), '1');
      assert.match(await query(gateway('victim'), 'victim'), /^(none|0)$/);
    });

    it('does not change what it believes of its neighbours by forged ARP answers', async () => {
      const forge = (target: string): string => `use Socket; socket($s, 17, 3, 0x0608) or die $!; ($i) = grep { $_ ne "lo" } map { s{.*/}{}r } glob "/sys/class/net/*"; open $f, "<", "/sys/class/net/$i/ifindex"; $n = <$f>; open $f, "<", "/sys/class/net/$i/address"; chomp($m = <$f>); $m =~ s/://g; $m = pack "H12", $m; $all = "\\xff" x 6; $p = $all . $m . pack("nnnCCn", 0x806, 1, 0x800, 6, 4, 2) . $m . inet_aton("${target}") . $all . inet_aton("${target}"); for (1..3) { print send($s, $p, 0, pack("SnlSCCa8", 17, 0x806, $n, 1, 0, 6, $all)) ? "sent " : "$! " }`;
      const believed = (name: string): Promise<string> => sh(name, `awk '$1 == "${gateway(name)}" { print $4 }' /proc/net/arp`);
      const mine = addresses['mallory']?.split(' ')[2] ?? '';
      await sh('victim', `timeout 1 bash -c ': < /dev/tcp/${gateway('victim')}/9' 2>/dev/null`);
      const before = await believed('victim');
      assert.match(before, /^([0-9a-f]{2}:){5}/);
      assert.equal(await perl('mallory', forge(gateway('victim'))), 'sent sent sent ');
      assert.equal(await believed('victim'), before);
      assert.doesNotMatch(before, new RegExp(mine));
    });

    it('does not hear what its network says', async () => {
      const listen = 'socket($s, 17, 3, 0x0300) or die $!; print "on\\n"; $end = time + 2; while (time < $end) { $r = ""; vec($r, fileno($s), 1) = 1; select($r, undef, undef, 0.2) or next; recv($s, $p, 2000, 0); $seen .= $p; last if $seen =~ /secret/ } print $seen =~ /secret/ ? "heard" : "nothing"';
      const hears = async (from: string): Promise<string> => (await Promise.all([perl(from, `$| = 1; ${listen}`), sh('mate', 'sleep 0.6')]).then(([heard]) => heard)).replace('on\n', '');
      const [own, other] = await Promise.all([hears('victim'), hears('mallory'), sh('victim', `for i in $(seq 8); do timeout 1 bash -c 'head -1 < /dev/tcp/${address('victim')}/80' >/dev/null 2>&1; sleep 0.2; done`)]);
      assert.equal(own, 'heard'); // a packet socket hears its own namespace, loopback too
      assert.equal(other, 'nothing');
    });

    it('does not reach its abstract sockets', async () => {
      const bind = 'socket($s, 1, 1, 0); bind($s, pack("Sa*", 1, "\\0berth-tenant")) or die; listen($s, 1); open $f, ">", "/abstract"; sleep 60';
      await engine.docker(['exec', '-d', 'victim', 'perl', '-e', bind]);
      await sh('victim', 'until [ -e /abstract ]; do sleep 0.02; done');
      const knock = 'socket($s, 1, 1, 0); print connect($s, pack("Sa*", 1, "\\0berth-tenant")) ? "in" : "out"';
      assert.deepEqual([await perl('victim', knock), await perl('mallory', knock)], ['in', 'out']);
    });
  });

  describe('by what the kernel shows', () => {
    it('does not see, signal or trace its processes', async () => {
      const pid = await inspect('victim', '{{.State.Pid}}');
      const attempt = `print kill(0, ${pid}) ? "signalled" : $!+0, " ", syscall(${process.arch === 'arm64' ? 117 : 101}, 16, ${pid}, 0, 0) == -1 ? $!+0 : "traced", " ", -e "/proc/${pid}" ? "seen" : "unseen"`;
      assert.equal(await perl('mallory', attempt), `${ESRCH} ${ESRCH} unseen`);
      const { stdout } = await engine.docker(['run', '--rm', '--pid', 'host', '--privileged', IMAGE, 'perl', '-e', `print kill(0, ${pid}) ? "signalled" : "no"`]);
      assert.equal(stdout, 'signalled');
    });

    it('does not read its environment', async () => {
      const look = 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep ^PASSWORD | sort -u';
      assert.equal(await sh('mallory', look), '');
      assert.equal(await sh('victim', look), 'PASSWORD=of-victim\n');
    });

    it('finds its name, id or labels nowhere in what it can read of the kernel', async () => {
      const find = (id: string): string => `for f in /proc/self/mountinfo /proc/self/cgroup /proc/mounts /proc/net/unix /proc/keys /etc/hosts /etc/resolv.conf; do grep -l ${id} $f 2>/dev/null; done; find /sys/fs/cgroup /sys/class/net /run -name '*${id}*' 2>/dev/null`;
      for (const word of [secret, secret.slice(0, 12), 'tenant=blue']) assert.equal(await sh('mallory', find(word)), '');
      assert.notEqual(await sh('victim', find(secret.slice(0, 12))), ''); // its own it does find
    });

    it('does not share System V memory or message queues', async () => {
      assert.equal(await perl('victim', 'print defined shmget(4242, 64, 01600) ? "made" : $!+0; mkdir "/dev/mqueue"; open $f, ">", "/dev/shm/tenant"'), 'made');
      const look = 'print defined shmget(4242, 64, 0) ? "there" : $!+0, -e "/dev/shm/tenant" ? " there" : " none"';
      assert.equal(await perl('victim', look), 'there there');
      assert.equal(await perl('mallory', look), `${ENOENT} none`);
    });

    it('has terminals of its own only, and pushes no keys into another’s', async () => {
      const tiocsti = 'open $t, "+<", "/dev/tty" or print "no terminal " . ($!+0); for (glob "/dev/pts/[0-9]*") { open $p, "+<", $_ and ioctl($p, 0x5412, "x") and print "pushed $_ " }';
      assert.equal(await perl('mallory', tiocsti), 'no terminal 6');
      const { stdout } = await engine.docker(['run', '--rm', '-t', '--user', '1000', IMAGE, 'sh', '-c', 'tty; ls /dev/pts']);
      assert.equal(stdout.replaceAll('\r', ''), '/dev/pts/0\n0  ptmx\n');
    });

    it('knows no addresses of the kernel', async () => {
      assert.equal(await sh('mallory', "grep -cv '^0\\+ ' /proc/kallsyms || true"), '0\n');
      assert.match(await sh('mallory', 'dmesg'), /Operation not permitted/);
    });

    it('stays in its root by chroot, fchdir and /proc/1', async () => {
      await sh('mallory', 'touch /mallory-root');
      const out = 'mkdir "/cage"; opendir $d, "/"; chroot "/cage" or die; chdir $d; chdir ".." for 1..64; chroot "."; print -e "/mallory-root" ? "own" : "out"';
      assert.equal(await perl('mallory', out), 'own');
      assert.equal(await sh('mallory', 'ls -d /proc/1/root/mallory-root /proc/1/cwd/../../../mallory-root'), '/proc/1/cwd/../../../mallory-root\n/proc/1/root/mallory-root\n');
    });
  });

  describe('by files', () => {
    it('does not find its volumes', async () => {
      await sh('victim', 'echo secret > /safe/tenant-secret');
      assert.equal(await sh('mallory', 'find / -xdev -name tenant-secret 2>/dev/null'), '');
      assert.equal(await sh('victim', 'cat /safe/tenant-secret'), 'secret\n');
    });

    it('leaves set-user-ID programs in a volume out of reach of the host’s users, and without effect where privileges may not grow', async () => {
      await sh('victim', 'cp /usr/bin/id /safe/id && chmod 4755 /safe/id');
      await run('chmod', ['711', engine.root]);
      const path = join(engine.dataRoot, 'volumes/safe/_data/id');
      const { stderr } = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all', 'sh', '-c', '"$0" -u', path], { okStatus: 'any' });
      assert.match(stderr, /Permission denied/);
      const euid = async (...options: string[]): Promise<string> => (await engine.docker(['run', '--rm', '--user', '1000', '-v', 'safe:/safe', ...options, IMAGE, '/safe/id', '-u'])).stdout;
      assert.deepEqual([await euid(), await euid('--security-opt', 'no-new-privileges')], ['0\n', '1000\n']);
    });

    it('cannot write the OCI runtime through /proc/self/exe of a process that enters it (CVE-2019-5736)', async () => {
      const name = (await inspect('mallory', '{{.HostConfig.Runtime}}')) || 'crun';
      const binary = (await locateTool(name))?.path ?? '';
      const digest = async (): Promise<string> => createHash('sha256').update(await readFile(binary)).digest('hex');
      const before = await digest();
      await run_('trap', '--cap-add', 'SYS_PTRACE');
      // It waits for strangers, holds their program open, and asks to write it again and again, until they have gone.
      const watch = 'open $ready, ">", "/ready"; close $ready; $end = time + 20; until (-e "/stop" or time > $end) { for (glob "/proc/[0-9]*") { next if $_ eq "/proc/1" or $_ eq "/proc/$$"; open($f, "<", "$_/exe") or next; $seen{readlink "/proc/self/fd/" . fileno($f)}++; for (1..50) { sysopen($w, "/proc/self/fd/" . fileno($f), 1) and $wrote{readlink "/proc/self/fd/" . fileno($w)}++ } } } open $r, ">", "/result.new"; print $r join(",", sort keys %wrote), "\\n", join(",", sort keys %seen), "\\n"; close $r; rename "/result.new", "/result"';
      await engine.docker(['exec', '-d', 'trap', 'perl', '-e', watch]);
      await sh('trap', 'until [ -e /ready ]; do sleep 0.02; done; printf "#!/proc/self/exe\\n" > /bait; chmod 755 /bait');
      for (let count = 0; count < 4; count++) await engine.docker(['exec', 'trap', '/bait'], { okStatus: 'any' });
      const [wrote = '', seen = ''] = (await sh('trap', 'touch /stop; until [ -e /result ]; do sleep 0.02; done; cat /result')).split('\n');
      const runtime = /crun|runc|memfd/;
      assert.notEqual(seen, '', 'the trap saw no process at all');
      assert.deepEqual(wrote.split(',').filter((path) => runtime.test(path)), []);
      assert.equal(await digest(), before);
      await engine.docker(['rm', '-f', 'trap']);
    });

    it('wins no race of links against copies into it (CVE-2018-15664)', async () => {
      const outside = join(engine.root, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'precious'), 'mine');
      const flip = `mkdir "/in"; symlink "${outside}", "/evil"; open $f, ">", "/flipping"; while (1) { rename("/in", "/keep"); rename("/evil", "/in"); rename("/in", "/evil"); rename("/keep", "/in"); }`;
      await run_('racer');
      await engine.docker(['exec', '-d', 'racer', 'perl', '-e', flip]);
      await sh('racer', 'until [ -e /flipping ]; do sleep 0.02; done');
      const ends = [];
      for (let count = 0; count < 12; count++) {
        const { status } = await engine.docker(['cp', '-', 'racer:/in'], { okStatus: 'any', input: Uint8Array.from(tarball([{ path: 'planted', content: 'x' }])) });
        ends.push(status, (await engine.docker(['cp', 'racer:/in/precious', '-'], { okStatus: 'any' })).status);
      }
      assert.deepEqual(await readdir(outside), ['precious']);
      assert.ok(ends.filter((status, index) => index % 2 === 1 && status === 0).length === 0, 'a copy out of it found the host’s file');
      await engine.docker(['rm', '-f', 'racer']);
    });

    it('loads no libraries of the container when copying (CVE-2019-14271)', async () => {
      await run_('garbage');
      await sh('garbage', 'for f in $(find / -xdev -name "libnss*.so*" -o -xdev -name "libc.so.6" -o -xdev -name "ld-linux*"); do echo garbage > $f.new; mv $f.new $f; done; true');
      await engine.docker(['cp', 'garbage:/etc/passwd', join(engine.root, 'copied')]);
      await engine.docker(['cp', join(engine.root, 'copied'), 'garbage:/root/again']);
      assert.match(await readFile(join(engine.root, 'copied'), 'utf8'), /^root:/);
      await engine.docker(['rm', '-f', 'garbage']);
    });
  });
});
