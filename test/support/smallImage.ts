import { readFile } from 'node:fs/promises';
import { tarball } from './tarball.ts';

const APPLETS = ['sh', 'cat', 'head', 'tail', 'sleep', 'echo', 'wc', 'httpd', 'id', 'true', 'hostname', 'seq', 'wget', 'mknod'];

/** A root file system for `docker import`: busybox, and little of it to carry. */
export async function busyboxTar(): Promise<Buffer> {
  const busybox = await readFile('/bin/busybox');
  const folders = ['bin/', 'etc/', 'tmp/', 'root/'].map((path) => ({ path, type: 'directory' as const }));
  return tarball([...folders, { path: 'bin/busybox', mode: 0o755, content: busybox }, ...APPLETS.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, linkPath: 'busybox' })), { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n' }, { path: 'etc/group', content: 'root:x:0:\n' }]);
}
