import assert from 'node:assert/strict';
import { commandFailure, execFailure } from '../../../engine/containers/commandFailure.ts';
import { hostsFile, resolvConfFile } from '../../../engine/containers/etcFiles.ts';
import { checkName, inventName } from '../../../engine/containers/names.ts';
import { planPorts } from '../../../engine/containers/portPlan.ts';
import { freshState } from '../../../engine/containers/record.ts';
import { shouldRestart } from '../../../engine/containers/restartPolicy.ts';
import { parseSignal } from '../../../engine/containers/signals.ts';
import { parsePs } from '../../../engine/containers/top.ts';
import { portMap } from '../../../engine/containers/view.ts';
import { runtimeMessage } from '../../../engine/host/ociRuntime.ts';

describe('ports of a container', () => {
  it('are bound as asked, any host port where none is named, ranges kept', () => {
    const ports = planPorts({}, { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }], '53/udp': [{}], '90': [{ HostPort: '9000-9005' }] } });
    assert.deepEqual(ports, [
      { containerPort: 90, protocol: 'tcp', hostIp: '', hostPort: 9000, lastHostPort: 9005 },
      { containerPort: 80, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8080, lastHostPort: 8080 },
      { containerPort: 53, protocol: 'udp', hostIp: '', hostPort: 0, lastHostPort: 0 },
    ]);
  });

  it('are all published with PublishAllPorts', () => {
    assert.deepEqual(planPorts({ ExposedPorts: { '80/tcp': {}, '81': {} } }, { PublishAllPorts: true, PortBindings: { '80': [{ HostPort: '1' }] } }).map(({ containerPort }) => containerPort), [80, 81]);
  });

  it('are shown with null where they are only exposed', () => {
    assert.deepEqual(portMap(['80/tcp', '81'], [{ containerPort: 80, protocol: 'tcp', hostIp: '::', hostPort: 5 }]), { '80/tcp': [{ HostIp: '::', HostPort: '5' }], '81/tcp': null });
  });
});

describe('files in /etc', () => {
  it('name the container and what was added', () => {
    const text = hostsFile({ hostname: 'web', domainname: 'lan', endpoints: [{ ip: '10.0.0.2', ip6: '', gateway: '10.0.0.1' }, { ip: '10.2.0.2', ip6: 'fd00::2', gateway: '' }], extraHosts: ['db:10.9.8.7', 'host.docker.internal:host-gateway', 'six=[::5]'], links: [{ ip: '10.0.0.3', names: ['store', 'abc'] }] });
    assert.match(text, /^127\.0\.0\.1\tlocalhost\n/);
    assert.match(text, /\n10\.9\.8\.7\tdb\n10\.0\.0\.1\thost\.docker\.internal\n::5\tsix\n10\.0\.0\.3\tstore abc\n10\.0\.0\.2\tweb\.lan web\n10\.2\.0\.2\tweb\.lan web\nfd00::2\tweb\.lan web\n$/);
  });

  it('take name servers, search list and options from the user where given', () => {
    const base = 'nameserver 1.1.1.1\nsearch lan\noptions edns0\n';
    assert.equal(resolvConfFile(base, {}), base);
    assert.equal(resolvConfFile(base, { Dns: ['9.9.9.9', '8.8.8.8'], DnsSearch: ['.'] }), 'nameserver 9.9.9.9\nnameserver 8.8.8.8\noptions edns0\n');
  });
});

describe('signals', () => {
  it('are names, short names, numbers and real-time ones', () => {
    assert.deepEqual(['SIGTERM', 'kill', '15', 'RTMIN+3', 'SIGRTMAX-1'].map(parseSignal), [15, 9, 15, 37, 63]);
    assert.throws(() => parseSignal('SIGNONE'), { code: 'UNKNOWN_SIGNAL' });
    assert.throws(() => parseSignal('99'), { code: 'UNKNOWN_SIGNAL' });
  });
});

describe('names', () => {
  it('are checked and invented', () => {
    assert.equal(checkName('/a.b-c_1'), 'a.b-c_1');
    assert.throws(() => checkName('-x'), { code: 'INVALID_CONTAINER_NAME', status: 400 });
    const seen = new Set<string>();
    assert.match(inventName((name) => seen.size < 20 && Boolean(seen.add(name))), /^[a-z]+_[a-z]+\d+$/);
  });
});

describe('restart policies', () => {
  const restarts = (Name: 'always' | 'on-failure' | 'unless-stopped' | 'no', state: object = {}, MaximumRetryCount = 0): boolean =>
    shouldRestart({ record: { hostConfig: { RestartPolicy: { Name, MaximumRetryCount } } } as never, state: { ...freshState, ...state } });

  it('decide by exit status, count and who stopped it', () => {
    assert.deepEqual([restarts('always'), restarts('unless-stopped'), restarts('no'), restarts('on-failure')], [true, true, false, false]);
    assert.equal(restarts('on-failure', { exitCode: 1 }), true);
    assert.equal(restarts('on-failure', { exitCode: 1, restartCount: 3 }, 3), false);
    assert.equal(restarts('always', { stoppedByUser: true }), false);
  });
});

describe("an OCI runtime's words", () => {
  const of = (detail: string, command = 'x'): [number, string] | undefined => {
    const failure = commandFailure(detail, command, 'stage');
    return failure && [failure.exitCode, failure.error.message];
  };

  it('become statuses 127 and 126 with the message that Docker clients look for', () => {
    assert.deepEqual(of('executable file `x` not found in $PATH: No such file or directory'), [127, 'stage: unable to start container process: exec: "x": executable file not found in $PATH: unknown']);
    assert.equal(of('exec: "/x": stat /x: no such file or directory', '/x')?.[0], 127);
    assert.match(of('open executable: Permission denied')?.[1] ?? '', /exec: "x": permission denied/);
    assert.equal(of('open executable: Operation not permitted')?.[0], 126);
    assert.equal(of('mount `proc` to `proc`: Permission denied'), undefined);
    assert.equal(execFailure('chdir `/nodir`: No such file or directory', 'ls').exitCode, 127);
  });

  it('are taken out of its log', () => {
    assert.equal(runtimeMessage('2026-11-24T02:25:41.502668946Z: it broke\n'), 'it broke');
    assert.equal(runtimeMessage('time="x" level=error msg="exec: \\"a\\": not found"'), 'exec: "a": not found');
    assert.equal(runtimeMessage('{"level":"error","msg":"no \\"b\\""}'), 'no "b"');
  });
});

describe('host tools', () => {
  it('list processes of which those of the container are shown', () => {
    assert.deepEqual(parsePs('UID PID CMD\nroot 1 init\nroot 22 sh -c a b\n', new Set([22])), { Titles: ['UID', 'PID', 'CMD'], Processes: [['root', '22', 'sh -c a b']] });
    assert.throws(() => parsePs('CMD\nx\n', new Set()), /PID field/);
  });
});
