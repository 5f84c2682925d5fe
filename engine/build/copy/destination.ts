import { posix } from 'node:path';

/**
 * Where a source goes. A folder's contents go to `dest`; a file goes into `dest` when that is written with a slash at the
 * end or is a folder already, and else becomes `dest`. Absolute paths, without a slash at the end.
 */
export function destinationOf(source: { name: string; isFolder: boolean }, dest: string, destIsFolder: boolean): string {
  const plain = dest.length > 1 ? dest.replace(/\/+$/, '') : dest;
  if (source.isFolder) return plain;
  return dest.endsWith('/') || destIsFolder ? posix.join(plain, source.name) : plain;
}
