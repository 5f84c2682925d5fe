import assert from 'node:assert/strict';
import { formatContext, freeLevel, parseContainerContexts, parseContext } from '../../../../engine/host/seLinux/context.ts';
import { mayRelabel } from '../../../../engine/host/seLinux/relabel.ts';

const LXC = 'process = "system_u:system_r:container_t:s0"\ncontent = "system_u:object_r:virt_var_lib_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\nro_file="system_u:object_r:container_ro_file_t:s0"\nsandbox_kvm_process = "system_u:system_r:svirt_qemu_net_t:s0"\n';

describe('contexts of SELinux', () => {
  it('are read and written, with and without a level', () => {
    for (const text of ['system_u:system_r:container_t:s0:c1,c2', 'u:r:t', 'unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023']) assert.equal(formatContext(parseContext(`${text}\0`) ?? { user: '', role: '', type: '' }), text);
    for (const text of ['', 'a:b', 'a:b:c:s0 x', 'unconfined']) assert.equal(parseContext(text), undefined, text);
  });

  it('of containers are those that the policy names, if it names both', () => {
    assert.deepEqual(parseContainerContexts(LXC), { process: { user: 'system_u', role: 'system_r', type: 'container_t', level: 's0' }, file: { user: 'system_u', role: 'object_r', type: 'container_file_t', level: 's0' }, readOnly: { user: 'system_u', role: 'object_r', type: 'container_ro_file_t', level: 's0' } });
    assert.equal(parseContainerContexts(LXC.replace('ro_file', 'none'))?.readOnly.type, 'container_file_t', 'an older policy');
    assert.equal(parseContainerContexts(LXC.replace('file = ', 'other = ')), undefined);
    assert.equal(parseContainerContexts(''), undefined);
  });

  it('give each container a pair of categories that no other has', () => {
    const numbers = [7, 7, 9, 7, 3, 9, 3, 1];
    const random = (): number => numbers.shift() ?? 0;
    assert.equal(freeLevel(new Set(), random), 's0:c7,c9', 'a pair is of two');
    assert.equal(freeLevel(new Set(['s0:c3,c9']), random), 's0:c1,c3', 'the lower one first');
    assert.equal(freeLevel(new Set(['s0:c0,c1']), () => 0), 's0:c0,c2', 'where chance finds none, the first that is free');
    let calls = 0;
    assert.equal(freeLevel(new Set(), () => 1022 + (calls++ % 2)), 's0:c0,c1', 'never that of privileged containers');
  });

  it('are not given to folders of the system, nor to homes', () => {
    for (const path of ['/', '/etc', '/usr/', '/home', '/home/me', '/home/me/', '/var/lib', '/srv/me']) assert.equal(mayRelabel(path, '/srv/me'), false, path);
    for (const path of ['/srv/data', '/home/me/project', '/etc/mine', '/var/lib/mine']) assert.equal(mayRelabel(path, '/root'), true, path);
  });
});
