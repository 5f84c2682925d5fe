import assert from 'node:assert/strict';
import { baseTar } from '../support/base.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { bundle } from '../support/engine.ts';
import { RemoteHost } from '../support/remoteHost.ts';
import { onTerminal } from '../support/terminal.ts';

const IMAGE = 'debian:bookworm';

describe('a bare host, by sudo', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rrsudo', has: ['sudo'] });
    await client.know(host, 'dev');
    await client.addHost('rrsudo', ['--sudo']);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await host?.stop();
  });
  const onScreen = (args: readonly string[], talk: Parameters<typeof onTerminal>[1]): ReturnType<typeof onTerminal> => onTerminal([process.execPath, bundle, ...args], talk, { cwd: client.home, env: client.env });

  it('runs the engine as root where sudo asks nothing', async () => {
    await client.berth(['--host', 'rrsudo', 'ps']);
    const { stdout } = await client.berth(['--host', 'rrsudo', 'engine', 'status']);
    assert.match(stdout, /\/run\/berth\/berth\.sock/);
    assert.doesNotMatch(stdout, /without root/);
    await client.docker('rrsudo', ['import', await baseTar(), IMAGE]);
    assert.equal((await client.docker('rrsudo', ['run', '--rm', '-i', '--memory', '64m', IMAGE, 'tr', 'a-z', 'A-Z'], { input: 'through sudo\n' })).stdout, 'THROUGH SUDO\n');
    assert.equal((await host.exec('stat -c "%U %a" /run/berth/berth.sock; ls -d /home/dev/.berth 2>/dev/null; true')).stdout, 'root 600\n');
    assert.doesNotMatch((await client.berth(['host', 'doctor', 'rrsudo'])).stdout, /FAILED/);
  });

  it('asks for sudo’s password where it wants one, once a connection, and keeps it out of every argument and log', async () => {
    await host.exec(`echo 'dev:open sesame' | chpasswd; echo 'dev ALL=(ALL) ALL' > /etc/sudoers.d/dev`);
    await client.berth(['host', 'disconnect', 'rrsudo']);
    await assert.rejects(client.berth(['--host', 'rrsudo', 'ps']), /LINK_NEEDS_ANSWER/);
    const { screen, status } = await onScreen(['host', 'connect', 'rrsudo'], [{ when: /Password of dev for sudo on dev@.*: /, say: 'wrong\r' }, { when: /Password of dev for sudo on dev@.*: /, say: 'open sesame\r' }]);
    assert.equal(status, 0, screen);
    assert.doesNotMatch(screen, /sesame/);
    assert.equal((await client.docker('rrsudo', ['run', '--rm', '-i', IMAGE, 'cat'], { input: 'with a password\n' })).stdout, 'with a password\n');
    assert.equal((await host.exec('for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; tr "\\0" " " < $p/environ; done 2>/dev/null | grep -c "[s]esame"; true')).stdout, '0\n');
    await assert.rejects(client.run('grep', ['-rls', 'sesame', client.home]), 'the password is in a file');
  });

  it('says so where sudo refuses, and where there is none', async () => {
    await host.exec(`echo 'dev ALL=(ALL) NOPASSWD: /bin/true' > /etc/sudoers.d/dev`);
    await client.berth(['host', 'disconnect', 'rrsudo']);
    const { screen } = await onScreen(['host', 'connect', 'rrsudo'], [{ when: /Password of dev/, say: 'open sesame\r' }, { when: /Password of dev/, say: 'open sesame\r' }, { when: /Password of dev/, say: 'open sesame\r' }]);
    assert.match(screen, /not allowed to execute[^]*SUDO_REFUSED/);
    await host.exec('mv /usr/bin/sudo /usr/bin/not-sudo');
    await assert.rejects(client.berth(['--host', 'rrsudo', 'ps']), /SUDO_MISSING/);
    await host.exec(`mv /usr/bin/not-sudo /usr/bin/sudo; echo 'dev ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/dev`);
  });

  it('asks before a purge, saying how much goes, and then leaves nothing', async () => {
    const asked = /with 0 containers, 1 image and 0 volumes\?.*\[y\/N\] /;
    const declined = await onScreen(['host', 'rm', 'rrsudo', '--purge'], [{ when: asked, say: 'n\r' }]);
    assert.equal(declined.status, 1, declined.screen);
    assert.match((await client.berth(['host', 'list'])).stdout, /rrsudo/);
    const { screen, status } = await onScreen(['host', 'rm', 'rrsudo', '--purge'], [{ when: asked, say: 'y\r' }]);
    assert.equal(status, 0, screen);
    const { stdout } = await host.exec('ls -d /root/.berth /home/dev/.berth /var/lib/berth /run/berth /run/netns/berth* 2>/dev/null; ps -eo args | grep -E "berth|conmon" | grep -v grep; true');
    assert.equal(stdout, '');
  });
});
