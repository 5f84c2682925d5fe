import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Folders for as many Nodes and installations are kept, some MiB each: an upgrade in another place leaves one behind. */
const kept = 6;

/** Has Node keep what it compiles of the modules loaded from now on, so that the next start need not. What Node is told by NODE_COMPILE_CACHE or NODE_DISABLE_COMPILE_CACHE holds. */
export function keepCompiledCode(script: string, env: NodeJS.ProcessEnv): void {
  if (script.endsWith('.ts') || env['NODE_DISABLE_COMPILE_CACHE'] || env['NODE_COMPILE_CACHE']) return;
  const folder = codeCacheFolder(script, env);
  if (folder !== undefined) enableCompileCache(folder);
}

/**
 * The folder for compiled code of this installation and this Node, made where it is missing; `undefined`: there is none to be
 * trusted. Who can write there decides what this process runs, so that Node's own choice, a folder below /tmp with a name that
 * everybody knows, will not do: nobody but this user and root may be able to change it, or what its path leads to.
 * It is among the user's caches: neither a command nor a purge makes or misses the engine's data because of it, and what is
 * installed stays as it came.
 */
export function codeCacheFolder(script: string, env: NodeJS.ProcessEnv, uid = process.getuid?.()): string | undefined {
  try {
    const { base, below } = userCaches(env);
    const real = realpathSync(base);
    if (!leadsWhereOnlyWeWrite(real, uid)) return undefined;
    let folder = real;
    for (const name of [...below, 'berth']) folder = ownFolder(join(folder, name), uid, 0o022);
    const all = ownFolder(join(folder, 'code'), uid, 0o077);
    const own = join(all, crc32(`${process.version} ${script}`).toString(16));
    if (!existsSync(own)) makeRoom(all);
    return ownFolder(own, uid, 0o077);
  } catch {
    return undefined; // nowhere to be, read-only, full, somebody else's: everything works without
  }
}

function userCaches(env: NodeJS.ProcessEnv): { readonly base: string; readonly below: readonly string[] } {
  const chosen = env[process.platform === 'win32' ? 'LOCALAPPDATA' : 'XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(chosen)) return { base: chosen, below: [] };
  const home = env['HOME'] ?? '';
  if (!isAbsolute(home)) throw new Error('no home');
  return { base: home, below: ['.cache'] };
}

/** sudo may leave root the home of the user, who must not decide what root runs. */
function leadsWhereOnlyWeWrite(path: string, uid: number | undefined): boolean {
  for (let at = path; uid !== undefined; at = dirname(at)) {
    const { uid: owner, mode } = lstatSync(at);
    const openToOthers = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if ((owner !== uid && owner !== 0) || openToOthers) return false;
    if (at === dirname(at)) break;
  }
  return true;
}

/** Makes the folder where it is missing. Throws unless it is a real one, this user's, with none of the `others` in its mode. */
function ownFolder(path: string, uid: number | undefined, others: number): string {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  const info = lstatSync(path);
  if (!info.isDirectory() || (uid !== undefined && (info.uid !== uid || (info.mode & others) !== 0))) throw new Error(`${path} cannot be trusted`);
  return path;
}

function makeRoom(folder: string): void {
  const found = readdirSync(folder).map((name) => ({ path: join(folder, name), made: lstatSync(join(folder, name)).mtimeMs }));
  for (const { path } of found.sort((a, b) => b.made - a.made).slice(kept - 1)) rmSync(path, { recursive: true, force: true });
}
