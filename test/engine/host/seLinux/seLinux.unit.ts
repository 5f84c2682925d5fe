import assert from 'node:assert/strict';
import { silentLog } from '../../../../engine/base/log.ts';
import { SeLinux } from '../../../../engine/host/seLinux/seLinux.ts';

const fedora: Readonly<Record<string, string>> = {
  '/sys/fs/selinux/enforce': '1',
  '/etc/selinux/config': '# SELINUX= can take one of these\nSELINUX=enforcing\nSELINUXTYPE=mine\n',
  '/etc/selinux/mine/contexts/lxc_contexts': 'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n',
};
const open = (files: Readonly<Record<string, string>>, { wanted = true, known = /./ } = {}): Promise<SeLinux> =>
  SeLinux.open({ wanted, log: silentLog, host: { read: (path) => Promise.resolve(files[path]), exists: (path) => path in files }, knows: (context) => Promise.resolve(known.test(context)) });

describe('SeLinux', () => {
  it('has the contexts of the policy that the host names, and the label that no confined container may touch', async () => {
    const seLinux = await open(fedora);
    assert.ok(seLinux.enabled);
    assert.equal(seLinux.contexts?.process.type, 'container_t');
    assert.equal(seLinux.privateFiles, 'system_u:object_r:container_file_t:s0:c1022,c1023');
  });

  it('is not there without the kernel’s part, without a policy for containers, and unless it is wanted', async () => {
    const { '/sys/fs/selinux/enforce': _kernel, ...disabled } = fedora;
    const { '/etc/selinux/mine/contexts/lxc_contexts': _policy, ...bare } = fedora;
    for (const seLinux of [await open(disabled), await open(bare), await open(fedora, { known: /^$/ }), await open(fedora, { known: /container_t/ }), await open(fedora, { wanted: false })]) assert.deepEqual([seLinux.enabled, seLinux.contexts], [false, undefined]);
  });

  it('refuses a context that the policy does not know, by name', async () => {
    const seLinux = await open(fedora, { known: /container_/ });
    await seLinux.check('u:r:container_t:s0');
    await assert.rejects(seLinux.check('u:r:container_t:s0', 'u:r:nonsense_t:s0'), { code: 'SELINUX_CONTEXT_UNKNOWN', status: 400, message: /u:r:nonsense_t:s0/ });
  });
});
