import assert from 'node:assert/strict';
import { asBerthError, defineError, diskFull, systemCode } from '../../../engine/base/errors.ts';

describe('error table', () => {
  const tooTall = defineError<{ height: number }>('TOO_TALL', 422, (p) => `${p.height} m is too tall`);

  it('makes errors that carry code, status, params and message, and recognises them', () => {
    const error = tooTall({ height: 3 });
    assert.deepEqual([error.code, error.status, error.params, error.message], ['TOO_TALL', 422, { height: 3 }, '3 m is too tall']);
    assert.ok(tooTall.is(error));
    assert.ok(!diskFull.is(error));
  });

  it('keeps the meaning of a full disk, also when it is the cause of something else', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC', path: '/data/x' });
    assert.equal(systemCode(new Error('outer', { cause: full })), 'ENOSPC');
    assert.equal(asBerthError(full).code, 'DISK_FULL');
    assert.equal(asBerthError(full).status, 507);
  });

  it('turns anything else into INTERNAL with its cause', () => {
    const error = asBerthError('odd');
    assert.equal(error.code, 'INTERNAL');
    assert.equal(error.cause, 'odd');
  });
});
