import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../../engine/host/process.ts';
import type { HostConnection } from '../../../../engine/remote/connection.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import type { ConnectOptions } from '../../../../engine/remote/ssh/connect.ts';
import { sshAuthFailed } from '../../../../engine/remote/ssh/sshErrors.ts';
import { person } from '../../../support/asked.ts';
import { RemoteHost } from '../../../support/remoteHost.ts';
import { outputOf } from '../../../support/remoteOutput.ts';
import { Sshd } from '../../../support/sshd.ts';

const failed = (words: RegExp) => (error: unknown): boolean => {
  assert.ok(sshAuthFailed.is(error), String(error));
  assert.match(error.message, words);
  return true;
};

describe('logging in with what a person knows', () => {
  let host: RemoteHost;
  const connect = async (user: string, config: readonly string[], options: Partial<ConnectOptions>): Promise<HostConnection> => {
    const home = join(host.folder, 'home');
    await writeFile(join(home, '.ssh/config'), `${['IdentitiesOnly yes', `UserKnownHostsFile ${host.knownHostsFile}`, ...config].join('\n')}\n`, { mode: 0o600 });
    return connectToHost(`${user}@${host.address}`, { home, configFile: join(home, '.ssh/config'), env: { PATH: process.env.PATH }, transport: 'ssh2', ask: person().ask, ...options });
  };
  const works = async (user: string, config: readonly string[], options: Partial<ConnectOptions>): Promise<void> => {
    const connection = await connect(user, config, options);
    assert.equal((await outputOf(connection, 'whoami')).stdout, `${user}\n`);
    await connection.close();
  };

  before(async () => {
    host = await RemoteHost.start({ name: 'sshlogin', sshdConfig: ['UsePAM yes', 'PasswordAuthentication yes', 'KbdInteractiveAuthentication yes', 'PermitRootLogin yes', 'Match User root', ' AuthenticationMethods publickey,keyboard-interactive'] });
    await mkdir(join(host.folder, 'home/.ssh'), { recursive: true, mode: 0o700 });
    await host.exec('chpasswd', { input: 'dev:correct\nroot:correct\n' });
  });
  after(() => host?.stop());

  it('a password, asked for once', async () => {
    const me = person({ password: ['correct'] });
    await works('dev', ['IdentityFile none', 'PreferredAuthentications password'], me);
    assert.deepEqual(me.asked, [{ kind: 'password', user: 'dev', host: host.address }]);
  });

  it('a wrong password: asked for as often as the configuration says, then what was tried', async () => {
    const me = person({ password: ['wrong'] });
    await assert.rejects(connect('dev', ['IdentityFile none', 'PreferredAuthentications password', 'NumberOfPasswordPrompts 2'], me), failed(/Tried: password\. The server allows: publickey, ?password, ?keyboard-interactive/));
    assert.equal(me.asked.length, 2);
  });

  it('keyboard-interactive before password, as OpenSSH does', async () => {
    const me = person({ 'keyboard-interactive': ['correct'] });
    await works('dev', ['IdentityFile none'], me);
    assert.deepEqual(me.asked.map((question) => question.kind === 'keyboard-interactive' && question.prompts), [[{ prompt: 'Password: ', echo: false }]]);
  });

  it('nobody there to answer: not one guess is made', async () => {
    await assert.rejects(connect('dev', ['IdentityFile none', 'PreferredAuthentications password'], {}), failed(/Tried: password \(none was given\)/));
    const me = person({ password: ['correct'] });
    await assert.rejects(connect('dev', ['IdentityFile none', 'BatchMode yes'], me), failed(/Tried: nothing/));
    assert.deepEqual(me.asked, []);
  });

  it('two factors: a key, then what is asked', async () => {
    const me = person({ 'keyboard-interactive': ['correct'] });
    await works('root', [`IdentityFile ${host.keyFile}`], me);
    assert.equal(me.asked.length, 1);
    await assert.rejects(connect('root', ['IdentityFile none'], me), failed(/The server allows: publickey/));
  });

  it('the system\'s ssh asks the same person', async () => {
    const me = person({ password: ['correct'] });
    await works('dev', ['IdentityFile none', 'PreferredAuthentications password'], { ...me, transport: 'system' });
    assert.deepEqual(me.asked.map(({ kind }) => kind), ['password']);
    await assert.rejects(connect('dev', ['IdentityFile none', 'PreferredAuthentications password'], { ...person({ password: ['wrong'] }), transport: 'system' }), failed(/The server allows: .*password/));
  });
});

describe('what only OpenSSH\'s own client can do', () => {
  it('a user certificate: the transport is chosen by itself', async () => {
    await using sshd = await Sshd.start({ port: 28140 });
    const ca = join(sshd.folder, 'ca');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ca]);
    await run('ssh-keygen', ['-q', '-s', ca, '-I', 'me', '-n', 'root', `${sshd.keyFile}.pub`]);
    const publicKey = (await run('ssh-keygen', ['-yf', ca])).stdout.trim();
    await writeFile(join(sshd.folder, 'authorized_keys'), `cert-authority ${publicKey}\n`);
    await sshd.configureSystem();
    const options = { ...sshd.client, ask: person().ask };
    await assert.rejects(connectToHost('root@127.0.0.1:28140', { ...options, transport: 'ssh2' }), failed(/certificate.*transport "system"/s));
    const connection = await connectToHost('root@127.0.0.1:28140', options);
    assert.equal((await outputOf(connection, 'echo in')).stdout, 'in\n');
    await connection.close();
  });
});
