import assert from 'node:assert/strict';
import { bundleOf } from '../../../engine/host/strayTools.ts';

describe('bundleOf', () => {
  const folders = ['/run/berth/bundles', '/run/berth/steps'];

  it('finds the bundle that conmon or a runtime works on', () => {
    assert.equal(bundleOf(['/usr/bin/conmon', '-c', 'abc', '-b', '/run/berth/bundles/abc', '-p', '/run/berth/bundles/abc/pid'], folders), 'abc');
    assert.equal(bundleOf(['crun', 'run', '--bundle', '/run/berth/steps/def', 'def'], folders), 'def');
  });

  it('takes no other program for one, whatever it names', () => {
    assert.equal(bundleOf(['cat', '/run/berth/bundles/abc/config.json'], folders), undefined);
  });

  it('leaves the tools of other engines alone', () => {
    assert.equal(bundleOf(['conmon', '-b', '/run/berth-other/bundles/abc'], folders), undefined);
    assert.equal(bundleOf(['conmon', '-b', '/run/berth/bundles-old/abc'], folders), undefined);
    assert.equal(bundleOf([''], folders), undefined);
  });
});
