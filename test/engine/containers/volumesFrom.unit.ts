import assert from 'node:assert/strict';
import { planMounts } from '../../../engine/containers/mountPlan.ts';
import type { MountPoint } from '../../../engine/containers/record.ts';
import { volumesFrom, withInherited } from '../../../engine/containers/volumesFrom.ts';

const mount = (destination: string, name: string, extra: Partial<MountPoint> = {}): MountPoint => ({ type: 'volume', name, source: `/v/${name}`, destination, readOnly: false, propagation: '', mode: '', anonymous: true, copyUp: true, recursive: true, ...extra });
const others: Record<string, MountPoint[]> = { a: [mount('/data', 'one'), mount('/tmp/x', 't', { type: 'tmpfs' })], b: [mount('/data', 'two'), mount('/host', '', { type: 'bind', source: '/srv', readOnly: true })] };
const from = (...refs: string[]) => volumesFrom(refs, (ref) => others[ref] ?? []);

describe('--volumes-from', () => {
  it('takes volumes and binds, not tmpfs; they stay the other container’s', () => {
    assert.deepEqual(from('a').map(({ destination, volumeName, anonymous, copyUp }) => [destination, volumeName, anonymous, copyUp]), [['/data', 'one', false, false]]);
    assert.deepEqual(from('b').map(({ destination, readOnly }) => [destination, readOnly]), [['/data', false], ['/host', true]]);
  });

  it('read-only where asked, and refuses other modes', () => {
    assert.equal(from('a:ro')[0]?.readOnly, true);
    for (const bad of ['a:rx', ':ro', 'a:ro:x']) assert.throws(() => from(bad), { code: 'INVALID_CONTAINER_CONFIG' });
  });

  it('gives way to what was asked for, takes the place of the image’s volumes, the last one named wins', () => {
    const own = planMounts({ Image: 'x', HostConfig: { Binds: ['/mine:/host'] } }, ['/data', '/image']);
    assert.deepEqual(
      withInherited(own, from('a', 'b')).map(({ destination, source, volumeName }) => [destination, source, volumeName]),
      [['/host', '/mine', undefined], ['/data', '/v/two', 'two'], ['/image', '', '']],
    );
  });
});
