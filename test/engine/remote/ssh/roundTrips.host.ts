import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { HostConnection } from '../../../../engine/remote/connection.ts';
import { connectToHost } from '../../../../engine/remote/ssh/connect.ts';
import { person } from '../../../support/asked.ts';
import { countFlights } from '../../../support/flights.ts';
import { Sshd } from '../../../support/sshd.ts';

/** The budget for all of this is 8 round trips, one of which is TCP's own. */
describe('round trips to a host that is ready', () => {
  const [port, relayPort] = [28120, 28121];
  let sshd: Sshd;
  before(async () => {
    sshd = await Sshd.start({ port });
    await sshd.configure(`HostKeyAlias [127.0.0.1]:${port}`);
  });
  after(() => sshd?.stop());

  const flightsOf = async (use: (connection: HostConnection) => Promise<void>): Promise<number> => {
    const relay = await countFlights(relayPort, port);
    try {
      const connection = await connectToHost(`root@127.0.0.1:${relayPort}`, { ...sshd.client, transport: 'ssh2', ask: person().ask });
      await use(connection);
      const flights = relay.flights();
      await connection.close();
      return flights;
    } finally {
      relay.close();
    }
  };

  it('connect, log in, open a unix socket, one request: 1 + 5', async () => {
    const server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket)).listen(join(sshd.folder, 'echo.sock'));
    await once(server, 'listening');
    const flights = await flightsOf(async (connection) => {
      const stream = await connection.openStreamLocal(join(sshd.folder, 'echo.sock'));
      stream.write('hello');
      assert.equal(String((await once(stream, 'data'))[0]), 'hello');
      stream.destroy();
    });
    server.close();
    assert.equal(flights, 5);
  });

  it('connect, log in, start a command, one request: 1 + 6', async () => {
    const flights = await flightsOf(async (connection) => {
      const child = await connection.exec('cat');
      child.stdin.write('hello');
      assert.equal(String((await once(child.stdout, 'data'))[0]), 'hello');
      child.stdin.end();
      await buffer(child.stdout);
    });
    assert.equal(flights, 6 + 1, 'the end of input was one more');
  });
});
