import assert from 'node:assert/strict';
import { ApiError, ConnectError } from '../../../engine/api/client.ts';
import { EngineTooOld } from '../../../src/hosts/connect.ts';
import { EngineStartError } from '../../../src/hosts/engineLauncher.ts';
import { NodeUnusable } from '../../../src/hosts/findNode.ts';
import { describeError } from '../../../src/words/errorWords.ts';

describe('errors in words', () => {
  it('a socket that may not be opened says whose it is and what to do', () => {
    assert.match(describeError(new ConnectError('/run/x.sock', 'EACCES')), /not allowed to open \/run\/x\.sock: .*another user.*berth\.socketPath/);
  });

  it('no engine names the socket', () => {
    assert.match(describeError(new ConnectError('/run/x.sock', 'ENOENT')), /No engine answers at \/run\/x\.sock/);
  });

  it('an old engine names both versions', () => {
    assert.match(describeError(new EngineTooOld('1.24')), /1\.24.*1\.41/);
  });

  it('no usable Node names the setting', () => {
    for (const error of [new NodeUnusable('node', '', false), new NodeUnusable('/opt/node', '', true), new NodeUnusable('node', '18.0.0', false)]) assert.match(describeError(error), /berth\.node\.path/);
  });

  it('what the engine did not know to say is passed on as it is', () => {
    assert.equal(describeError(new ApiError(500, 'something odd', 'NEVER_HEARD_OF')), 'something odd');
    assert.match(describeError(new EngineStartError('NEVER_HEARD_OF', 'something odd')), /did not start: something odd/);
  });
});
