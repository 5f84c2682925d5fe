import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { shortRandom } from '../../engine/base/ids.ts';

const cache = resolve(import.meta.dirname, '../../.cache/base');

/** Debian's library that gives the processes it is preloaded into another clock. */
export const fakeTime = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketime.so.1`;

/** What a bare host may have or lack: present in the root file system that hosts share, hidden from each host that does not ask for it. */
export const extras = { uidmap: ['/usr/bin/newuidmap', '/usr/bin/newgidmap'], sudo: ['/usr/bin/sudo'], faketime: [dirname(fakeTime)] } as const;
export type Extra = keyof typeof extras;

/**
 * A Debian root file system with sshd, root and an ordinary user `dev` (1000) with subordinate ids: a folder made once by mmdebstrap and
 * kept under .cache/base, never written to. Two processes that ask at once each make one; the first rename wins.
 */
export async function remoteHostRoot(): Promise<string> {
  const path = join(cache, 'remote-host-3');
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  const temp = join(cache, `.tmp-${shortRandom(6)}`);
  const inside = 'useradd --create-home --uid 1000 --shell /bin/bash --password "*" dev && echo "dev ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/dev && chmod 440 /etc/sudoers.d/dev && rm -f /etc/ssh/ssh_host_*';
  await run('mmdebstrap', ['--variant=minbase', '--include=openssh-server,ca-certificates,procps,uidmap,sudo,libfaketime', `--customize-hook=chroot "$1" sh -c '${inside}'`, '--format=directory', '--quiet', 'bookworm', temp]);
  await rename(temp, path).catch(() => rm(temp, { recursive: true, force: true }));
  return path;
}
