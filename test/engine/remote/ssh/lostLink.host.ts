import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { start } from '../../../../engine/host/process.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import type { Transport } from '../../../../engine/remote/ssh/connect.ts';
import { sshLinkLost } from '../../../../engine/remote/ssh/sshErrors.ts';
import { person } from '../../../support/asked.ts';
import { RemoteHost } from '../../../support/remoteHost.ts';
import { outputOf } from '../../../support/remoteOutput.ts';
import { Sshd } from '../../../support/sshd.ts';

async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const lines = await Promise.all(pids.map(async (pid) => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')));
  return lines.filter((line) => line.includes(text));
}

describe('a link that is cut', () => {
  let host: RemoteHost;
  before(async () => {
    host = await RemoteHost.start({ name: 'sshlink' });
    await mkdir(join(host.folder, 'home/.ssh'), { recursive: true, mode: 0o700 });
    const lines = [`UserKnownHostsFile ${host.knownHostsFile}`, `IdentityFile ${host.keyFile}`, 'IdentitiesOnly yes', 'ServerAliveInterval 1', 'ServerAliveCountMax 2'];
    await writeFile(join(host.folder, 'home/.ssh/config'), `${lines.join('\n')}\n`, { mode: 0o600 });
  });
  after(() => host?.stop());

  for (const transport of ['ssh2', 'system'] satisfies Transport[]) {
    it(`is noticed by ${transport}: what was open ends, closed says why, and a new connection is made when it is back`, async () => {
      const home = join(host.folder, 'home');
      const options = { transport, home, configFile: join(home, '.ssh/config'), env: { PATH: process.env.PATH }, ask: person().ask };
      const connection = await connectToHost(`dev@${host.address}`, options);
      const child = await connection.exec('cat');
      child.stdout.resume();
      child.stderr.resume();
      await host.cut();
      const reason = await connection.closed;
      assert.ok(sshLinkLost.is(reason), String(reason));
      assert.notEqual((await child.exit).code, 0);
      await assert.rejects(connection.exec('true'), (error: unknown) => sshLinkLost.is(error));
      await host.restore();
      const again = await connectToHost(`dev@${host.address}`, options);
      assert.equal((await outputOf(again, 'whoami')).stdout, 'dev\n');
      await again.close();
    });
  }
});

describe('the system\'s ssh', () => {
  it('ends with the process that started it, even when that is killed', async () => {
    await using sshd = await Sshd.start({ port: 28130 });
    await sshd.configureSystem();
    const child = start(process.execPath, [resolve(import.meta.dirname, '../../../support/systemSshChild.ts'), 'root@127.0.0.1:28130', sshd.home], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout) await once(child.stdout, 'data');
    assert.notDeepEqual(await processesNaming(`-F ${sshd.home}`), []);
    child.kill('SIGKILL');
    for (const deadline = Date.now() + 10_000; (await processesNaming(`-F ${sshd.home}`)).length > 0; await delay(20)) assert.ok(Date.now() < deadline, 'ssh is still there');
    const left = async (): Promise<string[]> => (await readdir(tmpdir())).filter((name) => name.startsWith(`berth-ssh-${child.pid}-`));
    assert.equal((await left()).length, 1);
    const connection = await connectToHost('root@127.0.0.1:28130', { ...sshd.client, transport: 'system', ask: person().ask });
    await connection.close();
    assert.deepEqual(await left(), [], 'the next connection clears up');
  });

  it('asks through us: an unknown host key and a passphrase', async () => {
    await using sshd = await Sshd.start({ port: 28131 });
    const key = join(sshd.folder, 'locked');
    await once(start('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret words', '-f', key], { stdio: 'ignore' }), 'close');
    await writeFile(join(sshd.folder, 'authorized_keys'), await readFile(`${key}.pub`, 'utf8'));
    await writeFile(join(sshd.home, '.ssh/known_hosts'), '');
    await sshd.configure(`UserKnownHostsFile ${join(sshd.home, '.ssh/known_hosts')}`, `IdentityFile ${key}`, 'IdentitiesOnly yes');
    const me = person({ 'host-key': ['yes'], passphrase: ['secret words'] });
    const connection = await connectToHost('root@127.0.0.1:28131', { ...sshd.client, transport: 'system', ask: me.ask });
    await connection.close();
    assert.deepEqual(me.asked.map(({ kind }) => kind), ['host-key', 'passphrase']);
    await writeFile(join(sshd.home, '.ssh/known_hosts'), '');
    await assert.rejects(connectToHost('root@127.0.0.1:28131', { ...sshd.client, transport: 'system', ask: person().ask }), /HOST_KEY_UNKNOWN|not known here/);
  });
});
