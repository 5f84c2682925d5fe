import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiClient } from '../../engine/api/client.ts';
import { EngineClient } from '../../src/client/engineClient.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { countFlights } from '../support/flights.ts';
import { RemoteHost } from '../support/remoteHost.ts';

const PORT = 28170;

/** What a long line makes slow is how often one waits for an answer before one can go on. */
describe('round trips to a host', () => {
  let host: RemoteHost;
  let client: ClientMachine;
  let line: Awaited<ReturnType<typeof countFlights>>;
  before(async function () {
    this.timeout(300_000);
    client = await ClientMachine.create();
    host = await RemoteHost.start({ name: 'rttrips' });
    const at = (address: string, port: number): Promise<void> => writeFile(join(client.home, '.ssh/config'), `Host rttrips\n  HostName ${address}\n  Port ${port}\n  HostKeyAlias ${host.address}\n  User root\n  IdentityFile ${host.keyFile}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${host.knownHostsFile}\n`, { mode: 0o600 });
    line = await countFlights(PORT, { host: host.address, port: 22 });
    await at(host.address, 22);
    await client.addHost('rttrips');
    await client.berth(['--host', 'rttrips', 'ps']);
    await client.berth(['host', 'disconnect', 'rttrips']);
    await at('127.0.0.1', PORT);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    line?.close();
    await host?.stop();
  });

  it('a command on a host that is ready and not connected takes at most 8, TCP’s own among them', async () => {
    await client.berth(['--host', 'rttrips', 'ps']);
    const flights = 1 + line.flights();
    console.log(`        ${flights} round trips`);
    assert.ok(flights <= 8, `${flights}`);
  });

  it('a fresh list of containers, with the events that keep it fresh, takes at most 2', async () => {
    await client.berth(['host', 'connect', 'rttrips']);
    const engine = new EngineClient(new ApiClient(client.socket('rttrips')));
    const stop = new AbortController();
    const before = line.flights();
    await engine.events(stop.signal);
    await engine.listContainers();
    const flights = line.flights() - before;
    stop.abort();
    console.log(`        ${flights} round trips`);
    assert.ok(flights <= 2, `${flights}`);
  });
});
