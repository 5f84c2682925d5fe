import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { tarball } from './tarball.ts';

/** A build context for a machine with systemd, on a Debian that has it: one may log in as root with the key `id` of this folder, which is made. */
export async function systemdContext(folder: string, base: string): Promise<Buffer> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(folder, 'id')]);
  const dockerfile = [`FROM ${base}`, 'COPY --chmod=600 id.pub /root/.ssh/authorized_keys', 'RUN systemctl mask apt-daily.timer apt-daily-upgrade.timer && useradd --create-home dev', 'CMD ["/sbin/init"]'];
  return tarball([{ path: 'Dockerfile', content: `${dockerfile.join('\n')}\n` }, { path: 'id.pub', content: await readFile(join(folder, 'id.pub')) }]);
}
