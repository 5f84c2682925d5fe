import assert from 'node:assert/strict';
import { limitsIn } from '../../../engine/containers/limits.ts';

describe('limits that were asked for', () => {
  it('are named by their flags; what clients send for none does not count', () => {
    assert.deepEqual(limitsIn({ Memory: 1, NanoCpus: 5e8, CpusetCpus: '0', PidsLimit: 10 }), ['--memory', '--cpus', '--cpuset-cpus', '--pids-limit']);
    assert.deepEqual(limitsIn({ Memory: 0, PidsLimit: -1, CpusetCpus: '', OomKillDisable: false, MemorySwappiness: -1 }), []);
  });
});
