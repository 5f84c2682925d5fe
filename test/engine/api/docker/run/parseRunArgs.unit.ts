import assert from 'node:assert/strict';
import type { CreateBody } from '../../../../../engine/api/docker/run/createBody.ts';
import type { RunHost } from '../../../../../engine/api/docker/run/flags.ts';
import { FlagArgError } from '../../../../../engine/api/docker/run/parseFlags.ts';
import { parseRunArgs, runFlagHelp } from '../../../../../engine/api/docker/run/parseRunArgs.ts';

const files: Record<string, string> = { 'vars.env': '# a comment\nA=1\n\nB=two words\nHOME\nNOT_SET\n' };
const host: RunHost = {
  folder: '/project',
  env: (name) => ({ HOME: '/home/me' })[name],
  readFile: (path) => {
    const text = files[path];
    if (text === undefined) throw new Error(`no such file: ${path}`);
    return text;
  },
};
const body = (...args: string[]): CreateBody => parseRunArgs(args, host).draft.body;

describe('docker run flags', () => {
  const table: Array<[string[], Omit<CreateBody, 'HostConfig'> & { HostConfig?: CreateBody['HostConfig'] }]> = [
    [['-e', 'A=1', '--env=B=2=3', '--env', 'HOME', '-e', 'NOT_SET'], { Env: ['A=1', 'B=2=3', 'HOME=/home/me'] }],
    [['-eA=1'], { Env: ['A=1'] }],
    [['-e', 'EMPTY='], { Env: ['EMPTY='] }],
    [['--env-file', 'vars.env'], { Env: ['A=1', 'B=two words', 'HOME=/home/me'] }],
    [['-v', '/a:/b', '-v', './x:/c:ro', '--volume', 'data:/d'], { HostConfig: { Binds: ['/a:/b', '/project/x:/c:ro', 'data:/d'] } }],
    [['-v', '/anonymous'], { Volumes: { '/anonymous': {} } }],
    [['--mount', 'type=bind,source=/a,target=/b,readonly'], { HostConfig: { Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }] } }],
    [['--mount=type=bind,src=rel,dst=/b,ro=false,consistency=cached'], { HostConfig: { Mounts: [{ Type: 'bind', Source: '/project/rel', Target: '/b', ReadOnly: false }] } }],
    [['--mount', 'source=data,destination=/b'], { HostConfig: { Mounts: [{ Type: 'volume', Source: 'data', Target: '/b' }] } }],
    [['--mount', 'type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777'], { HostConfig: { Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 64 * 1024 * 1024, Mode: 0o1777 } }] } }],
    [['--mount', 'type=bind,"source=/a,b",target=/c'], { HostConfig: { Mounts: [{ Type: 'bind', Source: '/a,b', Target: '/c' }] } }],
    [['--tmpfs', '/run:size=8m', '--tmpfs=/tmp'], { HostConfig: { Tmpfs: { '/run': 'size=8m', '/tmp': '' } } }],
    [['-p', '8080:80'], { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } } }],
    [['-p127.0.0.1:8080:80/udp'], { ExposedPorts: { '80/udp': {} }, HostConfig: { PortBindings: { '80/udp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] } } }],
    [['-p', '80'], { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } } }],
    [['-p', '127.0.0.1::80'], { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } } }],
    [['-p', '[::1]:81:80'], { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '::1', HostPort: '81' }] } } }],
    [['-p', '90-91:80-81'], { ExposedPorts: { '80/tcp': {}, '81/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '90' }], '81/tcp': [{ HostIp: '', HostPort: '91' }] } } }],
    [['-P', '--expose', '53/udp'], { ExposedPorts: { '53/udp': {} }, HostConfig: { PublishAllPorts: true } }],
    [['-h', 'box', '--domainname', 'lan'], { Hostname: 'box', Domainname: 'lan' }],
    [['--network', 'backend', '--network-alias', 'db'], { HostConfig: { NetworkMode: 'backend' }, NetworkingConfig: { EndpointsConfig: { backend: { Aliases: ['db'] } } } }],
    [['--network-alias', 'db', '--ip', '10.1.0.9', '--network', 'backend'], { HostConfig: { NetworkMode: 'backend' }, NetworkingConfig: { EndpointsConfig: { backend: { Aliases: ['db'], IPAMConfig: { IPv4Address: '10.1.0.9' } } } } }],
    [['--network', 'a', '--network', 'name=b,alias=x,ip6=fd00::9'], { HostConfig: { NetworkMode: 'a' }, NetworkingConfig: { EndpointsConfig: { a: {}, b: { Aliases: ['x'], IPAMConfig: { IPv6Address: 'fd00::9' } } } } }],
    [['--link', 'db', '--link', 'cache:c'], { HostConfig: { Links: ['db:db', 'cache:c'] } }],
    [['--net=host'], { HostConfig: { NetworkMode: 'host' } }],
    [['--cap-add', 'SYS_PTRACE', '--cap-add=NET_ADMIN', '--cap-drop=ALL'], { HostConfig: { CapAdd: ['SYS_PTRACE', 'NET_ADMIN'], CapDrop: ['ALL'] } }],
    [['--security-opt', 'seccomp=unconfined', '--privileged', '--init', '--read-only'], { HostConfig: { SecurityOpt: ['seccomp=unconfined'], Privileged: true, Init: true, ReadonlyRootfs: true } }],
    [['--init=false'], { HostConfig: { Init: false } }],
    [['-m', '512m', '--cpus', '1.5', '--shm-size=1g', '--pids-limit', '100'], { HostConfig: { Memory: 512 * 1024 ** 2, NanoCpus: 1_500_000_000, ShmSize: 1024 ** 3, PidsLimit: 100 } }],
    [['--memory-swap', '-1', '--memory-reservation', '1.5k'], { HostConfig: { MemorySwap: -1, MemoryReservation: 1536 } }],
    [['--ulimit', 'nofile=1024:2048', '--ulimit', 'core=-1'], { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }, { Name: 'core', Soft: -1, Hard: -1 }] } }],
    [['--device', '/dev/fuse', '--device=/dev/a:/dev/b:r'], { HostConfig: { Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }, { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' }] } }],
    [['--add-host', 'db:10.0.0.2', '--add-host=host.docker.internal:host-gateway', '--add-host', 'six=[::1]'], { HostConfig: { ExtraHosts: ['db:10.0.0.2', 'host.docker.internal:host-gateway', 'six:::1'] } }],
    [['-l', 'a=b', '--label', 'flag', '--label=c=d=e'], { Labels: { a: 'b', flag: '', c: 'd=e' } }],
    [['-u', '1000:1000', '-w', '/src', '--entrypoint', 'bash', '--stop-signal', 'SIGINT', '--stop-timeout=3'], { User: '1000:1000', WorkingDir: '/src', Entrypoint: ['bash'], StopSignal: 'SIGINT', StopTimeout: 3 }],
    [['--restart', 'on-failure:3', '--rm', '--sysctl', 'net.core.somaxconn=1024'], { HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, AutoRemove: true, Sysctls: { 'net.core.somaxconn': '1024' } } }],
    [['--dns', '1.1.1.1', '--dns-search=lan', '--dns-opt', 'ndots:2', '--group-add', 'video', '--ipc=host', '--pid', 'host'], { HostConfig: { Dns: ['1.1.1.1'], DnsSearch: ['lan'], DnsOptions: ['ndots:2'], GroupAdd: ['video'], IpcMode: 'host', PidMode: 'host' } }],
    [['-it'], { OpenStdin: true, Tty: true }],
    [['-itp', '80:80'], { OpenStdin: true, Tty: true, ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } } }],
  ];
  for (const [args, expected] of table) {
    it(args.join(' '), () => assert.deepEqual(body(...args), { HostConfig: {}, ...expected }));
  }

  it('stops at the first argument that is no flag, and at --', () => {
    assert.deepEqual(parseRunArgs(['--rm', 'image', '-x', '--rm'], host).rest, ['image', '-x', '--rm']);
    assert.deepEqual(parseRunArgs(['--', '-image'], host).rest, ['-image']);
    assert.deepEqual(parseRunArgs(['-d', '--name', 'n', '--pull=never', '-a', 'stdout'], host).draft, { body: { HostConfig: {} }, detach: true, name: 'n', pull: 'never', attach: ['stdout'] });
  });

  const wrong: Array<[string[], FlagArgError['kind'], number, RegExp]> = [
    [['--rm', '--frobnicate'], 'unknown', 1, /^--frobnicate is not a flag of docker run/],
    [['-ix'], 'unknown', 0, /^-x is not/],
    [['--e', 'A=1'], 'unknown', 0, /^--e is not/],
    [['--gpus', 'all'], 'unsupported', 0, /GPUs are not supported/],
    [['-e'], 'invalid', 0, /^-e needs a value/],
    [['--env-file', 'missing'], 'invalid', 1, /no such file: missing/],
    [['-p', '70000:80'], 'invalid', 1, /expected \[\[ip:\]hostPort:\]containerPort/],
    [['-p', '1-2:80'], 'invalid', 1, /expected/],
    [['-p', 'x:80'], 'invalid', 1, /expected/],
    [['-v', 'a:b:c:d'], 'invalid', 1, /source:target/],
    [['-v', '/a:b'], 'invalid', 1, /not an absolute path/],
    [['--mount', 'type=bind,target=/x'], 'invalid', 1, /a bind needs a source/],
    [['--mount', 'type=npipe,target=/x'], 'invalid', 1, /type npipe is not/],
    [['--mount', 'type=volume,colour=red,target=/x'], 'invalid', 1, /unknown field colour/],
    [['--mount=type=volume'], 'invalid', 0, /the target is missing/],
    [['--memory', 'lots'], 'invalid', 1, /expected a size/],
    [['--cpus', 'two'], 'invalid', 1, /expected a number/],
    [['--ulimit', 'nofile=2:1'], 'invalid', 1, /soft limit/],
    [['--init=maybe'], 'invalid', 0, /true or false/],
    [['--restart', 'sometimes'], 'invalid', 1, /on-failure/],
    [['--device', 'fuse'], 'invalid', 1, /\/dev\/x/],
    [['--workdir', 'src'], 'invalid', 1, /absolute path/],
  ];
  for (const [args, kind, index, message] of wrong) {
    it(`${args.join(' ')}: ${kind}, at argument ${index}`, () => {
      assert.throws(() => parseRunArgs(args, host), (error) => error instanceof FlagArgError && error.kind === kind && error.index === index && message.test(error.message));
    });
  }

  it('has help for every flag', () => {
    for (const [names, help] of runFlagHelp()) assert.ok(names.startsWith('-') && help.length > 3, names);
  });
});
