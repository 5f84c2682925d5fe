import assert from 'node:assert/strict';
import { limitsIn, limitsLacking, toResources } from '../../../engine/containers/limits.ts';

describe('limits that were asked for', () => {
  it('are named by their flags; what clients send for none does not count', () => {
    assert.deepEqual(limitsIn({ Memory: 1, NanoCpus: 5e8, CpusetCpus: '0', PidsLimit: 10 }), ['--memory', '--cpus', '--cpuset-cpus', '--pids-limit']);
    assert.deepEqual(limitsIn({ Memory: 0, PidsLimit: -1, CpusetCpus: '', OomKillDisable: false, MemorySwappiness: -1 }), []);
  });
  it('that version 2 of control groups lacks are named, and not given to the runtime, which would refuse to start the container', () => {
    const limits = { Memory: 1, MemorySwappiness: 10, OomKillDisable: true };
    const [v1, v2] = [{ version: '1', swapLimit: true }, { version: '2', swapLimit: true }] as const;
    assert.deepEqual([limitsLacking(limits, v1), limitsLacking(limits, v2)], [[], ['--memory-swappiness', '--oom-kill-disable']]);
    assert.deepEqual(toResources(limits, v1), { memory: { limit: 1, disableOOMKiller: true, swappiness: 10 } });
    assert.deepEqual(toResources(limits, v2), { memory: { limit: 1 } });
    assert.deepEqual(limitsLacking({ MemorySwappiness: -1, OomKillDisable: false }, v2), []);
  });
});
