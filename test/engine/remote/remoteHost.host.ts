import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { run } from '../../../engine/host/process.ts';
import { RemoteHost } from '../../support/remoteHost.ts';

describe('the remote host that tests use', () => {
  it('has sshd, a kernel and room for overlay, nothing of ours, and leaves nothing behind', async () => {
    let folder = '';
    {
      await using host = await RemoteHost.start({ name: 'sshhost' });
      folder = host.folder;
      for (const user of ['root', 'dev']) {
        const { stdout } = await run('ssh', ['-F', 'none', '-i', host.keyFile, '-o', `UserKnownHostsFile=${host.knownHostsFile}`, '-o', 'BatchMode=yes', `${user}@${host.address}`, 'whoami; hostname']);
        assert.equal(stdout, `${user}\nsshhost\n`);
      }
      const absent = await host.exec('for tool in node crun runc conmon nft newuidmap sudo; do command -v $tool; done; true');
      assert.equal(absent.stdout, '', 'a bare host has none of these');
      await host.exec('cd /var/lib && mkdir -p t/l t/u t/w t/m && mount -t overlay o -o lowerdir=t/l,upperdir=t/u,workdir=t/w t/m && echo 1 > t/m/x && umount t/m');
      assert.equal((await host.exec('for group in /sys/fs/cgroup/*/; do mkdir $group/inner; done; cat /proc/self/cgroup')).stdout.includes('remote-'), false, 'it sees its own cgroups as the root');
    }
    assert.equal(existsSync(folder), false);
    assert.doesNotMatch((await run('ip', ['link'])).stdout, /rvsshhost/);
    assert.ok(!(await readFile('/proc/mounts', 'utf8')).includes(folder));
    assert.equal((await run('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', 'remote-sshhost'])).stdout, '');
  });
});
