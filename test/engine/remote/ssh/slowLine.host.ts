import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import { person } from '../../../support/asked.ts';
import { slowLine } from '../../../support/slowLine.ts';
import { Sshd } from '../../../support/sshd.ts';

describe('a long line', () => {
  it('carries a connection, a command and its answer; the time is reported in round trips of 50 ms', async function () {
    await using sshd = await Sshd.start({ port: 28150 });
    await sshd.configure('HostKeyAlias [127.0.0.1]:28150');
    const line = await slowLine({ host: '127.0.0.1', port: 28150 }, 25);
    try {
      const begin = performance.now();
      const connection = await connectToHost(`root@127.0.0.1:${line.port}`, { ...sshd.client, transport: 'ssh2', ask: person().ask });
      const connected = performance.now();
      const child = await connection.exec('exec cat');
      child.stdin.write('x');
      assert.equal(String((await once(child.stdout, 'data'))[0]), 'x');
      const answered = performance.now();
      await connection.close();
      console.log(`        connected after ${((connected - begin) / 50).toFixed(1)}, answered after ${((answered - begin) / 50).toFixed(1)} round trips`);
    } finally {
      line.close();
    }
  });
});
