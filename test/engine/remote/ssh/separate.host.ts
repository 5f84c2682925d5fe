import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { HostConnection } from '../../../../engine/remote/connection.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import { run } from '../../../../engine/host/process.ts';
import { person } from '../../../support/asked.ts';
import { Sshd } from '../../../support/sshd.ts';

const PORT = 28145;

/** As with the client of Windows. */
describe('a system\'s ssh that cannot share a connection', () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await Sshd.start({ port: PORT });
    await sshd.configureSystem();
  });
  after(() => sshd.stop());
  const connect = (ask = person().ask): Promise<HostConnection> => connectToHost(`root@127.0.0.1:${PORT}`, { ...sshd.client, env: { ...sshd.client.env, BERTH_SSH_SHARE: 'no' }, transport: 'system', ask });
  const processes = async (): Promise<string[]> => (await run('pgrep', ['-f', `^ssh .*-F ${sshd.home}`], { okStatus: 'any' })).stdout.split('\n').filter(Boolean);

  it('runs commands side by side, with input, both outputs and status; the first on the connection that logged in', async () => {
    const connection = await connect();
    assert.equal((await processes()).length, 1);
    const first = await connection.exec(`tr a-z A-Z; echo "it's said" >&2; exit 3`);
    assert.equal((await processes()).length, 1);
    const second = await connection.exec('exec /bin/sh -c "cat; exit 255"');
    first.stdin.end('one\n');
    second.stdin.end('two\n');
    assert.deepEqual(await Promise.all([text(first.stdout), text(first.stderr), first.exit, text(second.stdout), second.exit]), ['ONE\n', "it's said\n", { code: 3 }, 'two\n', { code: 255 }]);
    const big = Buffer.alloc(8 * 1024 * 1024, 'x');
    const third = await connection.exec('wc -c');
    third.stdin.end(big);
    assert.equal(Number(await text(third.stdout)), big.length);
    await connection.close();
    await connection.closed;
  });

  it('leaves no process and no file behind when it is closed, or a command killed', async () => {
    const connection = await connect();
    const endless = await connection.exec('cat');
    const other = await connection.exec('cat');
    other.kill();
    await other.exit;
    await connection.close();
    assert.deepEqual([await endless.exit, await processes()], [{}, []]);
    assert.deepEqual((await readdir(tmpdir())).filter((name) => name.startsWith(`berth-ssh-${process.pid}-`)), []);
    await assert.rejects(connection.exec('true'), { code: 'SSH_LINK_LOST' });
  });

  it('forwards to no socket, which leads to a process on the host instead', async () => {
    const connection = await connect();
    await assert.rejects(connection.openStreamLocal('/run/any.sock'), { code: 'STREAMLOCAL_REFUSED' });
    await connection.close();
  });

  it('says why it is not let in, and asks through us', async () => {
    await writeFile(join(sshd.home, '.ssh/known_hosts'), '');
    await assert.rejects(connect(), { code: 'HOST_KEY_UNKNOWN' });
    const me = person({ 'host-key': ['yes'] });
    await (await connect(me.ask)).close();
    assert.deepEqual(me.asked.map(({ kind }) => kind), ['host-key']);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(sshd.folder, 'wrong')]);
    await sshd.configure(`UserKnownHostsFile ${join(sshd.home, '.ssh/known_hosts')}`, `IdentityFile ${join(sshd.folder, 'wrong')}`, 'IdentitiesOnly yes');
    await assert.rejects(connect(), { code: 'SSH_AUTH_FAILED' });
    await sshd.configureSystem();
    await assert.rejects(connectToHost('root@127.0.0.1:28149', { ...sshd.client, env: { ...sshd.client.env, BERTH_SSH_SHARE: 'no' }, transport: 'system', ask: person().ask }), { code: 'SSH_REFUSED' });
    assert.deepEqual(await processes(), []);
  });

  it('says that there is none', async () => {
    await assert.rejects(connectToHost(`root@127.0.0.1:${PORT}`, { ...sshd.client, env: { PATH: sshd.folder, HOME: sshd.home, BERTH_SSH_SHARE: 'no' }, transport: 'system', ask: person().ask }), { code: 'SYSTEM_SSH_MISSING' });
  });

  it('a connection that is lost is not taken for a command\'s status', async () => {
    const connection = await connect();
    const command = await connection.exec('kill -9 $PPID; sleep 60');
    command.stdout.resume();
    assert.deepEqual(await command.exit, {});
    const next = await connection.exec('echo again');
    next.stdin.end();
    assert.equal(await text(next.stdout), 'again\n');
    await connection.close();
  });
});
