import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { bundle } from '../support/engine.ts';
import { RemoteHost } from '../support/remoteHost.ts';
import { fakeTime } from '../support/remoteHostRoot.ts';
import { onTerminal } from '../support/terminal.ts';

/** Answers every connection, in the container. */
const LISTENER = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1); while (my $c = $s->accept) { print $c "HTTP/1.0 200 OK\\r\\n\\r\\nfrom inside\\n"; close $c }`;

/** Runs a command, and all it starts, in a user namespace with every id of the host's, where nobody may make another. */
const WITHOUT_NAMESPACES = `#!/bin/sh
unshare --user sh -c 'until [ "$(id -u) $(id -g)" = "0 0" ]; do sleep 0.01; done; exec sh -c '\\''echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'\\'' sh "$@"' sh "$@" &
for map in gid_map uid_map; do until echo "0 0 65536" > /proc/$!/$map; do sleep 0.01; done 2>/dev/null; done
wait $!
`;

/** One host with a server for each restriction: all that `berth` says and does about it. */
describe('a host that does not allow everything', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  let port = 2200;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rarefuse', has: ['faketime'] });
    // Homes come and go here; the key stays.
    await host.exec('cp /root/.ssh/authorized_keys /etc/ssh/keys; chmod 644 /etc/ssh/keys');
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });

  interface Login {
    readonly user?: string;
    readonly key?: string;
    /** Lines of ssh_config, before the usual ones. */
    readonly config?: readonly string[];
    /** Of its own server there. */
    readonly sshd?: readonly string[];
    /** Shell text on the host, before its server's command. */
    readonly within?: string;
    readonly transport?: string;
    /** Its configuration. */
    readonly file?: string;
  }
  /** A host of the client's list, by this name. */
  const add = async (name: string, { user = 'root', key = host.keyFile, config = [], sshd = [], within = '', transport = 'auto', file = '/etc/ssh/sshd_config' }: Login = {}): Promise<void> => {
    port += 1;
    await host.exec(`${within} /usr/sbin/sshd -f ${file} -p ${port} -o PidFile=none -o StrictModes=no -o AuthorizedKeysFile=/etc/ssh/keys ${sshd.map((option) => `-o '${option}'`).join(' ')}`);
    const entry = [`Host ${name}`, `HostName ${host.address}`, `Port ${port}`, `User ${user}`, ...config, `IdentityFile ${key}`, 'IdentitiesOnly yes', `HostKeyAlias ${host.address}`, `UserKnownHostsFile ${host.knownHostsFile}`];
    await writeFile(join(client.home, '.ssh/config'), `${entry.join('\n  ')}\n`, { mode: 0o600, flag: 'a' });
    await client.addHost(name, ['--transport', transport]);
  };
  /** `words`: what is wrong, and what to do. */
  const refused = async (name: string, code: string, words: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await client.berth(['--host', name, 'ps'], { okStatus: 'any' });
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(stderr, new RegExp(`^berth: [^\\n]+ \\[${code}\\]\\n$`));
    assert.match(stderr, words);
  };

  describe('and is of use all the same', () => {
    it('without forwarding to sockets, by a process there', async () => {
      await add('nosockets', { sshd: ['AllowStreamLocalForwarding=no'] });
      await client.docker('nosockets', ['version']).catch(() => undefined);
      assert.match((await client.berth(['--host', 'nosockets', 'ps'])).stdout, /CONTAINER ID/);
      await client.docker('nosockets', ['import', await baseTar(), 'debian:bookworm']);
      assert.equal((await client.docker('nosockets', ['run', '--rm', '-i', 'debian:bookworm', 'tr', 'a-z', 'A-Z'], { input: 'through a process\n' })).stdout, 'THROUGH A PROCESS\n');
    });

    it('without any forwarding, ports of containers too', async () => {
      await add('noforward', { sshd: ['DisableForwarding=yes', 'AllowTcpForwarding=no'] });
      await client.berth(['--host', 'noforward', 'ps']);
      await client.docker('noforward', ['run', '-d', '--name', 'web', '-p', '127.0.0.1:8080:8080', 'debian:bookworm', 'perl', '-e', LISTENER]);
      let answer = '';
      for (const end = Date.now() + 20_000; answer === ''; ) {
        const { stdout } = await client.berth(['host', 'ports', 'noforward']);
        const address = /127\.0\.0\.1:(\d+)/.exec(stdout)?.[0];
        if (address !== undefined) answer = await fetch(`http://${address}/`).then((response) => response.text(), () => '');
        assert.ok(Date.now() < end, stdout);
      }
      assert.equal(answer, 'from inside\n');
      await client.docker('noforward', ['rm', '-f', 'web']);
    });

    it('without a subsystem for sftp, folders in sync too', async () => {
      await host.exec('grep -v Subsystem /etc/ssh/sshd_config > /etc/ssh/no-sftp');
      await add('nosftp', { file: '/etc/ssh/no-sftp' });
      await assert.rejects(client.run('sftp', [...client.sshOptions(), '-b', '-', 'nosftp'], { input: 'ls\n' }), /subsystem request failed/);
      await mkdir(join(client.home, 'folder'));
      await writeFile(join(client.home, 'folder/file'), 'carried\n');
      await client.berth(['--host', 'nosftp', 'sync', 'start', 'folder', '/tmp/folder']);
      await client.berth(['sync', 'flush', 'folder']);
      await client.berth(['sync', 'stop', 'folder']);
      assert.equal((await host.exec('cat /tmp/folder/file')).stdout, 'carried\n');
    });

    it('by an ssh of the system that cannot share a connection', async () => {
      const bin = join(client.home, 'bin');
      await mkdir(bin);
      // ssh takes the home of the password database: its configuration must be named.
      await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${join(client.home, '.ssh/config')}' "$@"\n`, { mode: 0o755 });
      await add('unshared', { transport: 'system' });
      const env = { PATH: `${bin}:${client.env['PATH'] ?? ''}`, BERTH_SSH_SHARE: 'no' };
      assert.match((await client.berth(['--host', 'unshared', 'ps'], { env })).stdout, /CONTAINER ID/);
      const answers = await Promise.all(['one', 'two', 'three'].map((word) => client.docker('unshared', ['run', '--rm', '-i', 'debian:bookworm', 'cat'], { input: word })));
      assert.deepEqual(answers.map(({ stdout }) => stdout), ['one', 'two', 'three']);
      const { stdout } = await client.run('pgrep', ['-fc', `^/usr/bin/ssh -F ${client.home}/.* dial-stdio$`]);
      assert.equal(stdout, '1\n', 'one connection carries everything');
      await client.berth(['host', 'disconnect', 'unshared']);
    });

    it('with a clock that is two days ahead, which is said', async () => {
      await add('skewed', { user: 'dev', sshd: [`SetEnv=LD_PRELOAD=${fakeTime} FAKETIME=+2d`] });
      const { stderr } = await client.berth(['host', 'connect', 'skewed']);
      assert.match(stderr, /The clock of .* is 17[23]\d{3} s ahead of this machine's.*timedatectl set-ntp true/);
      assert.match((await client.berth(['host', 'doctor', 'skewed'])).stdout, /^warning +clock .*REMOTE_CLOCK_WRONG/m);
      await client.docker('skewed', ['import', await baseTar(), 'debian:bookworm']);
      const { stdout } = await client.docker('skewed', ['run', '--rm', 'debian:bookworm', 'date', '+%s']);
      assert.ok(Math.abs(Number(stdout) - Date.now() / 1000) < 3600, 'the clock of the container is the kernel\'s own');
      await client.berth(['host', 'rm', 'skewed', '--purge', '--yes']);
    });
  });

  describe('and is not, with the reason and what to do', () => {
    it('a key that it does not know', async () => {
      const key = join(client.home, 'wrong');
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      await add('wrongkey', { key });
      await refused('wrongkey', 'SSH_AUTH_FAILED', /Tried: key .*wrong.*allows: publickey.*authorized_keys/);
    });

    it('a wrong password, asked for on the terminal, and nobody to ask without one', async () => {
      await add('password', { user: 'dev', config: ['PubkeyAuthentication no', 'PreferredAuthentications password'], sshd: ['PasswordAuthentication=yes'] });
      await refused('password', 'LINK_NEEDS_ANSWER', /the password of dev.*berth host connect/);
      const wrong = { when: /password/i, say: 'not it\n' };
      const { screen, status } = await onTerminal([process.execPath, bundle, '--host', 'password', 'ps'], [wrong, wrong, wrong], { cwd: client.home, env: client.env });
      assert.equal(status, 1, screen);
      assert.match(screen, /Tried: password.*\[SSH_AUTH_FAILED\]/s);
      assert.doesNotMatch(screen, /not it/);
    });

    it('a host key that changed', async () => {
      const known = join(client.home, 'changed');
      await writeFile(known, `${host.address} ${(await readFile(`${host.keyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')}\n`);
      await add('changedkey', { config: [`UserKnownHostsFile ${known}`] });
      await refused('changedkey', 'HOST_KEY_CHANGED', /changed:1/);
    });

    it('a forced command', async () => {
      await add('forced', { sshd: ['ForceCommand=echo only this'] });
      await refused('forced', 'REMOTE_PROBE_FAILED', /only this.*forced command/);
    });

    it('a proxy jump that fails', async () => {
      await add('jump', { config: ['ProxyJump nobody@127.0.0.1:28190'] });
      await refused('jump', 'SSH_JUMP_FAILED', /nobody@127\.0\.0\.1:28190.*nothing accepts connections/);
    });

    it('an old kernel', async () => {
      await add('oldkernel', { within: 'setarch --uname-2.6' });
      await refused('oldkernel', 'REMOTE_KERNEL_TOO_OLD', /runs Linux 2\.6\.\d+.*5\.11 or later.*update the host's kernel/);
      assert.match((await client.berth(['host', 'doctor', 'oldkernel'], { okStatus: [1] })).stdout, /^FAILED +kernel .*REMOTE_KERNEL_TOO_OLD\]\n.*\n.*\n.*\n- +engine\n/m);
    });

    it('no user namespaces, for one who is not root', async () => {
      await host.exec('cat > /usr/local/bin/without-namespaces; chmod 755 /usr/local/bin/without-namespaces', { input: WITHOUT_NAMESPACES });
      await add('nouserns', { user: 'dev', within: 'without-namespaces' });
      await assert.rejects(client.ssh(['nouserns', 'unshare -U true']), /unshare failed/);
      await refused('nouserns', 'REMOTE_NO_USER_NAMESPACES', /dev cannot run containers on .* without root: user\.max_user_namespaces is 0.*administrator.*or connect as root/);
      assert.match((await client.berth(['host', 'doctor', 'nouserns'], { okStatus: [1] })).stdout, /^FAILED +user .*REMOTE_NO_USER_NAMESPACES\]$/m);
    });

    const homes: ReadonlyArray<readonly [string, string, string, string, RegExp]> = [
      ['a home that is not writable', 'chown root: /home/dev; chmod 555 /home/dev', 'chown dev: /home/dev; chmod 755 /home/dev', 'REMOTE_FOLDER_NOT_WRITABLE', /\/home\/dev.*--dir/],
      ['a home that is mounted noexec', 'mount -t tmpfs -o noexec,mode=755,uid=1000 tmpfs /home/dev', 'umount /home/dev', 'REMOTE_NOEXEC', /\/home\/dev is mounted noexec.*--dir/],
      ['a disk that is full', 'mount -t tmpfs -o size=20m,mode=755,uid=1000 tmpfs /home/dev', 'umount /home/dev', 'REMOTE_DISK_FULL', /MiB are free.*Free some space/],
    ];
    for (const [index, [what, begin, end, code, words]] of homes.entries()) {
      it(what, async () => {
        await host.exec(begin);
        try {
          await add(`home${index}`, { user: 'dev' });
          await refused(`home${index}`, code, words);
          assert.equal((await host.exec('ls -A /home/dev | grep berth || true')).stdout, '', 'something was left there');
        } finally {
          await client.berth(['host', 'disconnect', `home${index}`]);
          await host.exec(end);
        }
      });
    }
  });
});
