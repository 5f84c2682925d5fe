import assert from 'node:assert/strict';
import type { HostConfig } from '../../../engine/api/docker/container.ts';
import { checkHostConfig } from '../../../engine/containers/hostConfigChecks.ts';

const MIB = 1024 * 1024;

describe('settings of a container that nobody can mean', () => {
  const bad: ReadonlyArray<[HostConfig, RegExp]> = [
    [{ DeviceCgroupRules: ['c 1:x rwm'] }, /rule format/],
    [{ DeviceCgroupRules: ['everything'] }, /rule format/],
    [{ DeviceCgroupRules: ['a *:* rwmx'] }, /rule format/],
    [{ Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'rx' }] }, /permissions 'rx'/],
    [{ Memory: MIB }, /6MB/],
    [{ MemorySwap: 64 * MIB }, /Memoryswap/],
    [{ Memory: 64 * MIB, MemoryReservation: 65 * MIB }, /reservation/],
    [{ MemorySwappiness: 101 }, /0-100/],
    [{ OomScoreAdj: -1001 }, /oom score/],
    [{ ShmSize: -1 }, /SHM/],
    [{ BlkioWeight: 9 }, /blkio weight/],
    [{ NanoCpus: 3e9 }, /range of CPUs/],
    [{ NanoCpus: 1e9, CpuQuota: 5000 }, /Conflicting/],
    [{ CpuPeriod: 999 }, /cfs period/],
    [{ CpuQuota: 999 }, /cfs quota/],
    [{ CpusetCpus: '0,' }, /cpuset cpus/],
    [{ CpusetCpus: '0-999999999' }, /cpuset cpus/],
    [{ CpusetCpus: '1-4' }, /Requested CPUs are not available - requested 1-4, available: 0-1,3/],
    [{ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }, /cannot be used with restart policy 'always'/],
    [{ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } }, /cannot be negative/],
    [{ RestartPolicy: { Name: 'always' }, AutoRemove: true }, /AutoRemove/],
    [{ PidMode: 'private' }, /PID mode/],
    [{ IpcMode: 'container:' }, /IPC mode/],
    [{ UTSMode: 'private' }, /UTS mode/],
    [{ CgroupnsMode: 'mine' }, /cgroup namespace mode/],
  ];
  for (const [host, words] of bad) it(JSON.stringify(host), () => assert.throws(() => checkHostConfig(host, 2, '0-1,3'), (error: Error & { code?: string }) => error.code === 'INVALID_CONTAINER_CONFIG' && words.test(error.message)));

  it('what has a meaning is fine', () => {
    const good: HostConfig[] = [{}, { Memory: 0, MemorySwap: -1, MemorySwappiness: -1, CpuQuota: -1 }, { MemorySwappiness: 0, OomScoreAdj: -1000, NanoCpus: 2e9, CpusetCpus: '0-1,3', BlkioWeight: 10 }, { PidMode: 'host', IpcMode: 'none', UTSMode: 'host', CgroupnsMode: 'private' }, { DeviceCgroupRules: ['c 13:* rwm', 'a *:* r'], Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'rw' }] }];
    for (const host of [...good, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } }, { RestartPolicy: { Name: 'no' }, AutoRemove: true }] as HostConfig[]) checkHostConfig(host, 2, '0-1,3');
  });
});
