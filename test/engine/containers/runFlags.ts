/** Every flag of `docker run` 28, and what it does here: shown by a probe in the container, done by the client itself, or refused in so many words. */
export interface FlagRow {
  readonly flag: string;
  readonly args: readonly string[];
  /** A shell line in the container; what it prints is matched. */
  readonly probe?: string;
  readonly expect?: RegExp;
  /** Not together with the others. */
  readonly alone?: boolean;
  /** The error (or with `warned` the warning) that names it. */
  readonly refused?: RegExp;
  readonly warned?: RegExp;
}

const cgroup = (v1: string, v2: string): string => `cat /sys/fs/cgroup/${v1} /sys/fs/cgroup/${v2} 2>/dev/null`;
const works = (flag: string, args: readonly string[], probe: string, expect: RegExp): FlagRow => ({ flag, args, probe, expect });
const alone = (flag: string, args: readonly string[], probe: string, expect: RegExp): FlagRow => ({ flag, args, probe, expect, alone: true });
const refused = (flag: string, args: readonly string[], words: RegExp): FlagRow => ({ flag, args, refused: words });

/** Those that hold in one container at the same time. */
const together: readonly FlagRow[] = [
  works('add-host', ['--add-host', 'db:10.1.2.3'], 'grep db /etc/hosts', /^10\.1\.2\.3\tdb$/),
  works('attach', ['-a', 'stdout'], 'echo seen', /^seen$/),
  works('cap-add', ['--cap-add', 'SYS_TIME'], 'grep CapBnd /proc/self/status', /CapBnd:\t00000000a[2a]/),
  works('cap-drop', ['--cap-drop', 'CHOWN'], 'grep CapBnd /proc/self/status', /[0-9a-f]{15}[ace]$/i),
  works('cgroupns', ['--cgroupns', 'host'], 'cat /proc/self/cgroup', /[0-9a-f]{64}/),
  works('cpu-period', ['--cpu-period', '50000'], cgroup('cpu/cpu.cfs_period_us', 'cpu.max'), /50000/),
  works('cpu-quota', ['--cpu-quota', '20000'], cgroup('cpu/cpu.cfs_quota_us', 'cpu.max'), /20000/),
  works('cpu-shares', ['--cpu-shares', '512'], cgroup('cpu/cpu.shares', 'cpu.weight'), /512|20|59/),
  works('cpuset-cpus', ['--cpuset-cpus', '0'], 'grep Cpus_allowed_list /proc/self/status', /\t0$/),
  works('cpuset-mems', ['--cpuset-mems', '0'], cgroup('cpuset/cpuset.mems', 'cpuset.mems'), /^0$/),
  works('device', ['--device', '/dev/null:/dev/mine:rw'], 'ls -l /dev/mine', /1, +3 /),
  works('device-cgroup-rule', ['--device-cgroup-rule', 'c 1:11 rwm'], 'mknod /tmp/kmsg c 1 11 && exec 9>/tmp/kmsg && echo opened; exec 9>&-', /^opened$/),
  works('dns-option', ['--dns-option', 'ndots:3'], 'cat /etc/resolv.conf', /options ndots:3/),
  works('dns-search', ['--dns-search', 'corp.test'], 'cat /etc/resolv.conf', /search corp\.test/),
  works('domainname', ['--domainname', 'corp.test'], 'cat /proc/sys/kernel/domainname', /^corp\.test$/),
  works('env', ['-e', 'A=b c'], 'echo "$A"', /^b c$/),
  works('env-file', ['--env-file', 'FOLDER/env'], 'echo "$FROM_FILE"', /^yes$/),
  works('expose', ['--expose', '99'], 'true', /^$/),
  works('group-add', ['--group-add', '4321'], 'id -G', /4321/),
  works('hostname', ['--hostname', 'box'], 'hostname', /^box$/),
  works('init', ['--init'], 'cat /proc/1/comm', /catatonit|tini|init/),
  works('interactive', ['-i'], 'cat', /^typed$/),
  works('ipc', ['--ipc', 'private'], 'ls -d /dev/shm', /shm/),
  works('mac-address', ['--mac-address', '02:42:0a:01:02:03'], 'cat /sys/class/net/eth0/address', /^02:42:0a:01:02:03$/),
  works('memory', ['--memory', '64m'], cgroup('memory/memory.limit_in_bytes', 'memory.max'), /^67108864$/),
  works('memory-reservation', ['--memory-reservation', '32m'], cgroup('memory/memory.soft_limit_in_bytes', 'memory.low'), /^33554432$/),
  works('memory-swap', ['--memory-swap', '96m'], cgroup('memory/memory.memsw.limit_in_bytes', 'memory.swap.max'), /^(100663296|33554432|)$/),
  works('mount', ['--mount', 'type=bind,source=FOLDER,target=/mounted,readonly'], 'ls /mounted/env; touch /mounted/x 2>&1', /\/mounted\/env\n.*Read-only file system/),
  works('name', ['--name', 'flags'], 'true', /^$/),
  works('network', ['--network', 'flagnet'], 'ls /sys/class/net', /eth0/),
  works('network-alias', ['--network-alias', 'nick'], 'getent hosts nick || echo resolver-of-ours-off', /nick|resolver-of-ours-off/),
  works('ip', ['--ip', '10.234.77.9'], 'hostname -i 2>/dev/null; cat /proc/net/fib_trie', /10\.234\.77\.9/),
  works('oom-score-adj', ['--oom-score-adj', '300'], 'cat /proc/self/oom_score_adj', /^300$/),
  works('pids-limit', ['--pids-limit', '77'], cgroup('pids/pids.max', 'pids.max'), /^77$/),
  works('platform', ['--platform', 'linux'], 'uname', /Linux/),
  works('publish', ['-p', '127.0.0.1:28957:80'], 'true', /^$/),
  works('publish-all', ['-P'], 'true', /^$/),
  works('pull', ['--pull', 'never'], 'true', /^$/),
  works('quiet', ['-q'], 'true', /^$/),
  works('read-only', ['--read-only'], 'touch /x 2>&1', /Read-only file system/),
  works('rm', ['--rm'], 'true', /^$/),
  works('security-opt', ['--security-opt', 'no-new-privileges'], 'grep NoNewPrivs /proc/self/status', /\t1$/),
  works('shm-size', ['--shm-size', '5m'], 'df -k /dev/shm | tail -1', / 5120 /),
  works('sysctl', ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=7'], 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', /^7$/),
  works('tmpfs', ['--tmpfs', '/run:size=2m', '--tmpfs', '/tmp:dev'], 'df -k /run | tail -1', / 2048 /),
  works('ulimit', ['--ulimit', 'nofile=100:200'], 'ulimit -n', /^100$/),
  works('volume', ['-v', 'flagvol:/vol'], 'touch /vol/x && echo wrote', /^wrote$/),
  works('workdir', ['-w', '/usr/share'], 'pwd', /^\/usr\/share$/),
];

const others: readonly FlagRow[] = [
  alone('cpus', ['--cpus', '0.5'], cgroup('cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000/),
  alone('dns', ['--dns', '10.9.9.9'], 'cat /etc/resolv.conf', /nameserver 10\.9\.9\.9/), // a user-defined network asks it itself
  alone('detach', ['-d'], '', /^[0-9a-f]{64}$/),
  alone('entrypoint', ['--entrypoint', '/bin/echo'], 'given', /given/),
  alone('user', ['-u', 'games:audio'], 'id', /uid=5\(games\) gid=29\(audio\)/),
  alone('tty', ['-t', '--detach-keys', 'ctrl-a', '--sig-proxy=false'], 'tty', /\/dev\/pts\/0/),
  alone('pid', ['--pid', 'host'], 'cat /proc/[0-9]*/comm | grep -c .', /^[1-9]\d+$/),
  alone('uts', ['--uts', 'host'], 'hostname', new RegExp('.')),
  alone('userns', ['--userns', 'host'], 'cat /proc/self/uid_map', /^\s*0\s+0\s+\d+$/),
  alone('privileged', ['--privileged'], 'grep CapEff /proc/self/status', /[0-9a-f]{6}ff[0-9a-f]{6}ff$/),
  alone('volumes-from', ['--volumes-from', 'giver'], 'ls -d /given', /^\/given$/),
  alone('oom-kill-disable', ['--oom-kill-disable', '-m', '64m'], 'grep -h oom_kill_disable /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || echo version 2', /oom_kill_disable 1|version 2/),
  alone('memory-swappiness', ['--memory-swappiness', '10'], `${cgroup('memory/memory.swappiness', 'none')} || true`, /^(10|)$/),
  { flag: 'ipc=none', args: ['--ipc', 'none'], probe: 'ls /dev/shm 2>&1', expect: /No such file/, alone: true },
  { flag: 'annotation', args: ['--annotation', 'a=b'], probe: 'echo ran', expect: /^ran$/, alone: true },
  // What only its client acts on is shown by what the client does.
  { flag: 'label', args: ['--label', 'a=b'], probe: 'echo ran', expect: /^ran$/, alone: true },
  { flag: 'label-file', args: ['--label-file', 'FOLDER/env'], probe: 'echo ran', expect: /^ran$/, alone: true },
  { flag: 'stop-signal', args: ['--stop-signal', 'SIGUSR1'], probe: 'echo ran', expect: /^ran$/, alone: true },
  { flag: 'stop-timeout', args: ['--stop-timeout', '3'], probe: 'echo ran', expect: /^ran$/, alone: true },
  { flag: 'log-opt', args: ['--log-driver', 'json-file', '--log-opt', 'max-size=1m'], probe: 'echo ran', expect: /^ran$/, alone: true },
];

const refusals: readonly FlagRow[] = [
  refused('cgroup-parent', ['--cgroup-parent', '/x'], /--cgroup-parent/),
  refused('cpu-rt-period', ['--cpu-rt-period', '1000'], /--cpu-rt-period/),
  refused('cpu-rt-runtime', ['--cpu-rt-runtime', '1000'], /--cpu-rt-runtime/),
  refused('gpus', ['--gpus', 'all'], /--gpus/),
  refused('storage-opt', ['--storage-opt', 'size=1G'], /--storage-opt/),
  refused('volume-driver', ['--volume-driver', 'rexray'], /--volume-driver=rexray/),
  refused('runtime', ['--runtime', 'kata'], /--runtime=kata/),
  refused('isolation', ['--isolation', 'hyperv'], /isolation/),
  refused('cpu-count', ['--cpu-count', '1'], /cpu-count/),
  refused('cpu-percent', ['--cpu-percent', '1'], /cpu-percent/),
  refused('io-maxbandwidth', ['--io-maxbandwidth', '1m'], /io-maxbandwidth/),
  refused('io-maxiops', ['--io-maxiops', '1'], /io-maxiops/),
  { flag: 'log-driver', args: ['--log-driver', 'syslog'], warned: /--log-driver=syslog/ },
  { flag: 'link-local-ip', args: ['--network', 'flagnet', '--link-local-ip', '169.254.1.2'], refused: /link-local/ },
];

/** Bad values of flags that work. */
export const badValues: ReadonlyArray<readonly [args: readonly string[], words: RegExp]> = [
  [['--device-cgroup-rule', 'c 1:x rwm'], /invalid device cgroup/],
  [['--memory', '1m'], /Minimum memory limit allowed is 6MB/],
  [['--memory-swap', '64m'], /always set the Memory limit/],
  [['--memory', '64m', '--memory-reservation', '128m'], /less than memory reservation/],
  [['--oom-score-adj', '2000'], /range for oom score adj/],
  [['--cpus', '900'], /range of CPUs/],
  [['--cpu-period', '5'], /CPU cfs period/],
  [['--cpu-quota', '5'], /CPU cfs quota/],
  [['--cpuset-cpus', 'x'], /for cpuset cpus/],
  [['--blkio-weight', '5'], /Range of blkio weight/],
  [['--ipc', 'foo'], /invalid IPC mode/],
  [['--workdir', 'relative'], /working directory 'relative' is invalid/],
  [['--stop-signal', 'SIGNONE'], /Invalid signal/],
  [['--log-opt', 'max-size=huge'], /invalid log option/],
  [['--cap-add', 'NONSENSE'], /NONSENSE/i],
  [['--security-opt', 'nonsense=1'], /invalid --security-opt/],
  [['--mac-address', 'zz'], /zz/],
];

export const flagRows: readonly FlagRow[] = [...together, ...others, ...refusals];

/** Left out of the client's help where the engine runs Linux. */
export const ofWindows = ['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops'];

/** Flags that another row shows, or that the client keeps to itself. */
export const shownElsewhere: Readonly<Record<string, string>> = {
  'detach-keys': 'tty',
  'sig-proxy': 'tty',
  cidfile: 'the test of client files',
  restart: 'the test of client files',
  'no-healthcheck': 'the test of health checks',
  ...Object.fromEntries(['health-cmd', 'health-interval', 'health-retries', 'health-start-interval', 'health-start-period', 'health-timeout'].map((flag) => [flag, 'the test of health checks'])),
  ...Object.fromEntries(['blkio-weight', 'blkio-weight-device', 'device-read-bps', 'device-read-iops', 'device-write-bps', 'device-write-iops'].map((flag) => [flag, 'the test of block devices'])),
  'disable-content-trust': 'the client alone knows it',
  'use-api-socket': 'the client makes a bind of it',
  help: 'the client alone knows it',
  'kernel-memory': 'the client sends it no more',
  ip6: 'the tests of networks',
  link: 'the tests of networks',
};
