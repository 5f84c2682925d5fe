import { chmod, copyFile, cp, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { editorSourceInvalid } from '../../errors.ts';
import { isNeeded } from './needed.ts';

/**
 * A server that somebody has installed already (`lib/vscode` of code-server, with its packages): for hosts without a network, and to save time.
 * Its Node is the one in its `bin`, else ours.
 */
export async function copyServer(source: string, into: string, signal: AbortSignal): Promise<void> {
  if (!(await isFile(join(source, 'out/server-main.js')))) throw editorSourceInvalid({ folder: source });
  await cp(source, join(into, 'server'), { recursive: true, verbatimSymlinks: true, filter: (path) => !signal.aborted && isNeeded(relative(source, path), process.arch) });
  signal.throwIfAborted();
  const own = join(source, 'bin/node');
  await copyFile((await isFile(own)) ? own : process.execPath, join(into, 'bin/node'));
  await chmod(join(into, 'bin/node'), 0o755);
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
