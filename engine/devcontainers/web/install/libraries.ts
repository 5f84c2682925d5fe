import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../../host/process.ts';
import { toolsFolder } from '../../plan/planTools.ts';
import { editorRelease } from './release.ts';

/** What glibc loads by itself when names are looked up. */
const lookedUpLater = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2', 'libdl.so.2', 'libpthread.so.0', 'librt.so.1', 'libutil.so.1', 'libm.so.6'];

/**
 * Gives Node the loader and the libraries of this host, so that it runs in containers with an older C library, another one, or none. That
 * takes patchelf; without it Node uses the container's own. Returns whether it was done.
 */
export async function bringLibraries(bundle: string, signal: AbortSignal): Promise<boolean> {
  const node = join(bundle, 'bin/node');
  const canPatch = await run('patchelf', ['--version'], { signal }).then(
    () => true,
    () => false,
  );
  signal.throwIfAborted();
  if (!canPatch) return false;
  const needed = parseLdd((await run('ldd', [node], { signal, okStatus: 'any' })).stdout);
  if (needed.loader === undefined) return false;
  const lib = join(bundle, 'lib');
  await mkdir(lib, { mode: 0o755 });
  for (const path of [needed.loader, ...needed.libraries]) await copyFile(path, join(lib, basename(path)));
  await copyLater(needed.libraries, lib);
  const inside = `${toolsFolder}/${editorRelease.version}/lib`;
  // RPATH, not RUNPATH: what Node loads later must find them too.
  await run('patchelf', ['--set-interpreter', `${inside}/${basename(needed.loader)}`, '--force-rpath', '--set-rpath', inside, node], { signal });
  return true;
}

/** They lie beside libc. */
async function copyLater(libraries: readonly string[], lib: string): Promise<void> {
  const libc = libraries.find((path) => basename(path).startsWith('libc.so'));
  if (libc === undefined) return;
  const folder = libc.slice(0, -basename(libc).length);
  const there = new Set(await readdir(folder));
  for (const name of lookedUpLater) if (there.has(name)) await copyFile(`${folder}${name}`, join(lib, name));
}

/** What ldd says: the loader, and the libraries with their paths. Pure. */
export function parseLdd(text: string): { readonly loader: string | undefined; readonly libraries: readonly string[] } {
  const lines = text.split('\n').map((line) => line.trim());
  const libraries = lines.flatMap((line) => /^\S+ => (\/\S+) \(/.exec(line)?.[1] ?? []);
  const loader = lines.map((line) => /^(\/\S*ld-linux\S*) \(/.exec(line)?.[1]).find((path) => path !== undefined);
  return { loader, libraries: libraries.filter((path) => !basename(path).startsWith('ld-linux')) };
}
