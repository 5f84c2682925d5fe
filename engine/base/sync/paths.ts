import type { Capabilities } from './entry.ts';

/** Holds what is on its way, in the root of each synced folder; never synced. */
export const stagingName = '.berth-sync';

const MOST_BYTES = 4096;
const MOST_NAME_BYTES = 255;

/** Why a path that a peer sent is none that we would ever touch; undefined: it is fine. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it has a NUL character';
  if (Buffer.byteLength(path) > MOST_BYTES) return 'it is too long';
  const names = path.split('/');
  if (names[0] === stagingName) return `${stagingName} is not synced`;
  for (const name of names) {
    if (name === '') return 'it has an empty name';
    if (name === '.' || name === '..') return `it has the name ${name}`;
    if (Buffer.byteLength(name) > MOST_NAME_BYTES) return 'one of its names is too long';
  }
  return undefined;
}

/** The folder that a path is in; '' for the root. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function childPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** A path's folders, nearest first, without the root. */
export function* foldersAbove(path: string): Generator<string> {
  for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) yield folder;
}

export function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++;
  return depth;
}

/** The `.git` folder that a path is in or is, the outermost; undefined: none. */
export function gitFolderOf(path: string): string | undefined {
  const names = path.split('/');
  const at = names.indexOf('.git');
  return at < 0 ? undefined : names.slice(0, at + 1).join('/');
}

/** Two paths with the same key cannot both be on such a side. */
export function foldKey(path: string, { caseInsensitive, normalizing }: Pick<Capabilities, 'caseInsensitive' | 'normalizing'>): string {
  const normal = normalizing || caseInsensitive ? path.normalize('NFC') : path;
  return caseInsensitive ? normal.toLowerCase() : normal;
}

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** Why a path cannot be made where Windows' rules hold; undefined: it can. */
export function windowsFault(path: string): string | undefined {
  for (const name of path.split('/')) {
    if (/[<>:"\\|?*\u0000-\u001f]/.test(name)) return 'Windows has no such names';
    if (/[. ]$/.test(name)) return 'on Windows a name cannot end in a dot or a space';
    if (RESERVED.test(name)) return 'the name is reserved on Windows';
  }
  return undefined;
}

/**
 * Where the version that lost its place is kept. Inside git's own folder not beside it, where git would take it for a branch or a part
 * of its index. `label` names the side and the time; `taken` says what is there already.
 */
export function conflictPath(path: string, label: string, taken: (path: string) => boolean): string {
  const git = gitFolderOf(path);
  const base = git === undefined || git === path ? `${path}.conflict-${label}` : `${git}/berth-conflicts/${label}/${path.slice(git.length + 1)}`;
  let candidate = base;
  for (let number = 2; taken(candidate); number++) candidate = `${base}-${number}`;
  return candidate;
}

/** `web1`, 2026-11-25 23:30:00 UTC → `web1-20261125-233000`. */
export function conflictLabel(host: string, time: Date): string {
  const name = host.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 40) || 'host';
  return `${name}-${time.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
}
