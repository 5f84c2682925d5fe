import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The lowest layer of every root filesystem: the mount points that an image may lack. Whatever the image has of them counts in
 * their place; so the OCI runtime never makes one in the upper directory, which holds changes only.
 */
export async function makeSkeleton(folder: string): Promise<void> {
  for (const name of ['dev', 'proc', 'sys', 'etc']) await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  for (const name of ['hosts', 'hostname', 'resolv.conf']) await writeFile(join(folder, 'etc', name), '', { mode: 0o644 });
}
