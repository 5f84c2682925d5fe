import assert from 'node:assert/strict';
import { toRlimits } from '../../../engine/host/rlimits.ts';

const limits = `Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    unlimited            bytes
Max processes             96365                96365                processes
Max open files            1024                 20000                files
`;

describe('limits of a process', () => {
  it('are passed on where the engine may raise them', () => {
    assert.deepEqual(toRlimits([{ Name: 'nofile', Soft: 1024, Hard: 1_048_576 }], limits, true), [{ type: 'RLIMIT_NOFILE', hard: 1_048_576, soft: 1024 }]);
  });

  it('are clamped to the hard limit of an engine that may not', () => {
    assert.deepEqual(toRlimits([{ Name: 'nofile', Soft: 65_536, Hard: 1_048_576 }], limits, false), [{ type: 'RLIMIT_NOFILE', hard: 20_000, soft: 20_000 }]);
  });

  it('know unlimited', () => {
    assert.deepEqual(toRlimits([{ Name: 'core', Soft: -1, Hard: -1 }, { Name: 'nproc', Soft: -1, Hard: -1 }], limits, false), [{ type: 'RLIMIT_CORE', hard: -1, soft: -1 }, { type: 'RLIMIT_NPROC', hard: 96_365, soft: 96_365 }]);
  });
});
