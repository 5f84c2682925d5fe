import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { HostConnection } from '../../../../engine/remote/connection.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import type { Transport } from '../../../../engine/remote/ssh/connect.ts';
import { remotePortClosed, remoteSocketMissing, streamlocalRefused, tcpForwardingRefused } from '../../../../engine/remote/ssh/sshErrors.ts';
import { person } from '../../../support/asked.ts';
import { outputOf } from '../../../support/remoteOutput.ts';
import { Sshd } from '../../../support/sshd.ts';

const is = (kind: { is(error: unknown): boolean; code: string }) => (error: unknown): boolean => kind.is(error) || assert.fail(`not ${kind.code}: ${String(error)}`);

/** What every transport must do, each against a real sshd. */
for (const transport of ['ssh2', 'system'] satisfies Transport[]) {
  describe(`a connection by ${transport}`, () => {
    const port = transport === 'ssh2' ? 28100 : 28102;
    let sshd: Sshd;
    let connection: HostConnection;
    before(async () => {
      sshd = await Sshd.start({ port });
      await sshd.configureSystem();
      connection = await connectToHost(`ssh://root@127.0.0.1:${port}`, { ...sshd.client, transport, ask: person().ask });
    });
    after(async () => {
      await connection?.close();
      await sshd?.stop();
    });

    it('says where it leads', () => assert.equal(connection.description, `root@127.0.0.1:${port}`));

    it('runs a command with its input, outputs and status', async () => {
      assert.deepEqual(await outputOf(connection, 'cat; echo e >&2; exit 7', 'in'), { stdout: 'in', stderr: 'e\n', code: 7, signal: undefined });
    });

    it('carries bytes as they are, many at once', async () => {
      const child = await connection.exec('head -c 3000000 /dev/urandom');
      child.stdin.end();
      child.stderr.resume();
      assert.equal((await buffer(child.stdout)).length, 3_000_000);
      const big = 'x'.repeat(2_000_000);
      assert.equal((await outputOf(connection, 'wc -c', big)).stdout.trim(), '2000000');
    });

    it('runs commands side by side', async () => {
      const results = await Promise.all(Array.from({ length: 8 }, (_, index) => outputOf(connection, `echo ${index}`)));
      assert.deepEqual(results.map(({ stdout }) => stdout.trim()), ['0', '1', '2', '3', '4', '5', '6', '7']);
    });

    it('ends a command that is killed', async () => {
      const child = await connection.exec('echo started; exec sleep 1000');
      await once(child.stdout, 'data');
      child.stdout.resume();
      child.stderr.resume();
      child.kill();
      assert.equal((await child.exit).code, undefined);
    });

    it('reaches a unix socket, both directions, with half-closed ends', async () => {
      const path = join(sshd.folder, 's.sock');
      const server = createServer({ allowHalfOpen: true }, (socket) => void buffer(socket).then((all) => socket.end(`got ${all.toString()}`))).listen(path);
      await once(server, 'listening');
      try {
        for (const word of ['one', 'two']) {
          const stream = await connection.openStreamLocal(path);
          stream.end(word);
          assert.equal((await buffer(stream)).toString(), `got ${word}`);
        }
      } finally {
        server.close();
      }
    });

    it('says so when nothing listens on a unix socket', () => assert.rejects(connection.openStreamLocal('/nowhere.sock'), is(remoteSocketMissing)));

    it('reaches a TCP port of the host', async () => {
      const stream = await connection.openTcp('127.0.0.1', port);
      const [chunk] = (await once(stream, 'data')) as [Buffer];
      assert.match(chunk.toString(), /^SSH-2.0-OpenSSH/);
      stream.destroy();
    });

    it('says so when nothing listens on a TCP port', () => assert.rejects(connection.openTcp('127.0.0.1', 9), is(remotePortClosed)));

    it('resolves closed without a reason after close, and with one when the server goes', async () => {
      const own = await Sshd.start({ port: port + 1 });
      await own.configureSystem();
      try {
        const [first, second] = await Promise.all([0, 1].map(() => connectToHost(`ssh://root@127.0.0.1:${port + 1}`, { ...own.client, transport, ask: person().ask })));
        assert.ok(first && second);
        await first.close();
        assert.equal(await first.closed, undefined);
        await assert.rejects(first.exec('true'));
        await outputOf(second, 'kill -9 $PPID');
        assert.match((await second.closed)?.message ?? '', /The connection to root@127\.0\.0\.1:\d+ was lost/);
      } finally {
        await own.stop();
      }
    });

    it('names what the server forbids', async () => {
      const own = await Sshd.start({ port: port + 1, config: ['AllowTcpForwarding no', 'AllowStreamLocalForwarding no'] });
      await own.configureSystem();
      const path = join(own.folder, 'there.sock');
      const server = createServer().listen(path);
      try {
        const limited = await connectToHost(`ssh://root@127.0.0.1:${port + 1}`, { ...own.client, transport, ask: person().ask });
        await assert.rejects(limited.openTcp('127.0.0.1', port), is(tcpForwardingRefused));
        await assert.rejects(limited.openStreamLocal(path), is(streamlocalRefused));
        assert.equal((await outputOf(limited, 'echo still here')).stdout, 'still here\n');
        await limited.close();
      } finally {
        server.close();
        await own.stop();
      }
    });
  });
}
