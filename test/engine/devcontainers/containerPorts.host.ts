import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { PortEvent } from '../../../engine/api/berth/port.ts';
import { portSettings } from '../../../engine/devcontainers/forwarding/attributes.ts';
import { ContainerPorts } from '../../../engine/devcontainers/forwarding/containerPorts.ts';
import { mergeMetadata } from '../../../engine/devcontainers/config/metadata.ts';
import { HostLoopback } from '../../../engine/host/rootless/hostLoopback.ts';
import { start } from '../../../engine/host/process.ts';
import { ask } from '../../support/ask.ts';

const server = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 5, ReuseAddr => 1) or die; print STDERR "ready"; while (my $c = $s->accept) { my $l = <$c>; print $c "heard $l"; close $c }';

/** A process in a network namespace of its own, as a container's first one is; no engine, no container. */
describe('the ports of one network namespace', () => {
  let first: ChildProcess;
  let ports: ContainerPorts;
  const events: PortEvent[] = [];
  const told = (): Array<[string, number]> => events.splice(0).map(({ type, port }) => [type, port.port]);

  const listen = async (port: number): Promise<ChildProcess> => {
    const child = start('nsenter', [`--net=/proc/${first.pid}/ns/net`, '--', 'perl', '-e', server, String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
    assert.ok(child.stderr);
    await once(child.stderr, 'data');
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  before(async () => {
    first = start('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec sleep 1000'], { stdio: 'ignore' });
    const comm = (): string => (existsSync(`/proc/${first.pid}/comm`) ? readFileSync(`/proc/${first.pid}/comm`, 'utf8') : '');
    for (const deadline = Date.now() + 10_000; comm() !== 'sleep\n'; await delay(10)) assert.ok(Date.now() < deadline, 'the namespace is not there');
    const source = { id: 'c', name: 'c', folder: '/f', configFile: '/f/d', pid: first.pid ?? 0, ip: '', published: new Map(), hosts: '/nowhere', resolvConf: '/nowhere' };
    ports = new ContainerPorts(source, portSettings(mergeMetadata([], {})), new HostLoopback(), (event) => events.push(event));
  });

  after(async () => {
    await ports?.close(true);
    if (first) await end(first);
  });

  it('are noticed, forwarded and forgotten', async () => {
    assert.equal(await ports.scan(), false);
    const child = await listen(28770);
    assert.equal(await ports.scan(), true);
    assert.deepEqual(told(), [['open', 28770]]);
    assert.equal(await ask(28770, 'hello'), 'heard hello\n');
    await end(child);
    assert.equal(await ports.scan(), true);
    assert.deepEqual([told(), ports.list()], [[['close', 28770]], []]);
  });

  it('are noticed too when one is closed as another is opened, so that there are as many sockets as before', async () => {
    const one = await listen(28771);
    await ports.scan();
    await end(one);
    const two = await listen(28772);
    for (let look = 0; look < 10 && ports.list()[0]?.port !== 28772; look += 1) await ports.scan();
    assert.deepEqual(told(), [['open', 28771], ['open', 28772], ['close', 28771]]);
    await end(two);
    await ports.scan();
  });
});
