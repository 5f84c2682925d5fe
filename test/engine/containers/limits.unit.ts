import assert from 'node:assert/strict';
import { limitWarnings, limitsIn, limitsLacking, limitsWithoutController, toResources } from '../../../engine/containers/limits.ts';
import type { LimitFacts } from '../../../engine/containers/limits.ts';

const controllers: LimitFacts['controllers'] = new Set(['cpu', 'cpuset', 'memory', 'pids', 'blkio']);
const v1: LimitFacts = { version: '1', swapLimit: true, controllers };
const v2: LimitFacts = { ...v1, version: '2' };

describe('limits that were asked for', () => {
  it('are named by their flags; what clients send for none does not count', () => {
    assert.deepEqual(limitsIn({ Memory: 1, NanoCpus: 5e8, CpusetCpus: '0', PidsLimit: 10 }), ['--memory', '--cpus', '--cpuset-cpus', '--pids-limit']);
    assert.deepEqual(limitsIn({ Memory: 0, PidsLimit: -1, CpusetCpus: '', OomKillDisable: false, MemorySwappiness: -1 }), []);
  });
  it('that version 2 of control groups lacks are named, and not given to the runtime, which would refuse to start the container', () => {
    const limits = { Memory: 1, MemorySwappiness: 10, OomKillDisable: true };
    assert.deepEqual([limitsLacking(limits, v1), limitsLacking(limits, v2)], [[], ['--memory-swappiness', '--oom-kill-disable']]);
    assert.deepEqual(toResources(limits, v1), { memory: { limit: 1, disableOOMKiller: true, swappiness: 10 } });
    assert.deepEqual(toResources(limits, v2), { memory: { limit: 1 } });
    assert.deepEqual(limitsLacking({ MemorySwappiness: -1, OomKillDisable: false }, v2), []);
  });

  it('whose controller was not delegated are named with it, and the others are kept', () => {
    const some: LimitFacts = { ...v2, controllers: new Set(['memory', 'pids']) };
    const limits = { Memory: 1, NanoCpus: 5e8, CpusetCpus: '0', PidsLimit: 10, BlkioWeight: 500, BlkioDeviceReadBps: [{ Path: '/dev/vda', Rate: 1 }] };
    assert.deepEqual(limitsWithoutController(limits, some), ['--cpus (controller cpu)', '--cpuset-cpus (controller cpuset)', '--blkio-weight (controller io)', '--device-read-bps (controller io)']);
    assert.deepEqual(limitsWithoutController(limits, v2), []);
    assert.deepEqual(toResources(limits, some), { memory: { limit: 1 }, pids: { limit: 10 } });
    assert.match(limitWarnings(limits, some).join(), /^The engine has no such control groups on this host: --cpus \(controller cpu\), .* had no effect/);
    assert.deepEqual(limitWarnings({ Memory: 1 }, v2), []);
  });

  it('on memory hold without swap where the kernel does not count it, which is said only where memory is limited at all', () => {
    assert.match(limitWarnings({ Memory: 1 }, { ...v2, swapLimit: false }).join(), /Memory limited without swap/);
    assert.doesNotMatch(limitWarnings({ Memory: 1 }, { ...v2, swapLimit: false, controllers: new Set() }).join(), /without swap/);
  });
});
