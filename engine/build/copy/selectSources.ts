import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { hasWildcard, patternToRegExp } from '../../base/dockerPatterns.ts';
import { lastName, resolveInRoot } from '../context/resolveInRoot.ts';
import { readTree } from '../context/tree.ts';
import type { TreeEntry, TreeFilter } from '../context/tree.ts';

/** Where COPY reads: a build context, or the root of another stage. */
export interface SourceTree {
  readonly root: string;
  readonly filter?: TreeFilter;
  /** sha256 of a file's content. */
  digest(entry: TreeEntry, signal: AbortSignal): Promise<string>;
  /** The same, if it is known without reading the file. */
  known?(entry: TreeEntry): string | undefined;
  /** Puts the files where `root` says; call before reading any. */
  prepare?(): Promise<void>;
  /** What is known of copies from this very tree: operation → digest of what it copies. */
  readonly contents?: Map<string, string>;
  /** Other trees that steps name (`--build-context`). */
  readonly named?: ReadonlyMap<string, SourceTree>;
}

/** The tree that a step's sources are in: one by name, else the tree itself. */
export function treeOf(tree: SourceTree, context: string | undefined): SourceTree {
  const found = context === undefined ? tree : tree.named?.get(context);
  if (!found) throw new Error(`the context ${context ?? ''} was not opened`);
  return found;
}

/** One source of a COPY: a file, or a folder with what is in it. */
export interface SelectedSource {
  /** The name a file gets when the destination is a folder. */
  readonly name: string;
  /** Where below the destination it goes, with the folders above it; absent: as its name says. */
  readonly parents?: string;
  /** Whether an archive is unpacked; absent: as its instruction says. */
  readonly unpack?: boolean;
  /** The source itself first. */
  readonly entries: readonly TreeEntry[];
}

/** What `pattern` means in the tree: one source, or with wildcards any number. Empty: nothing there. */
export async function selectSources(tree: SourceTree, pattern: string, signal: AbortSignal, options: { readonly parents?: boolean } = {}): Promise<SelectedSource[]> {
  const paths = await matchPaths(tree.root, pattern, options.parents ?? false);
  const above = options.parents ? normalNames(/^(.*?)\/\.\//.exec(pattern)?.[1] ?? '').length : undefined;
  const found: SelectedSource[] = [];
  for (const path of paths) {
    const real = await resolveInRoot(tree.root, path);
    const entries = await readTree(tree.root, real, tree.filter, signal).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    // A folder that is there only because something in it was re-included is not itself a source by name.
    if (entries.length > 0) found.push({ name: lastName(path) || lastName(real), entries, ...(above === undefined ? {} : { parents: path.split('/').slice(above).join('/') }) });
  }
  return found;
}

async function matchPaths(root: string, pattern: string, anyDepth: boolean): Promise<string[]> {
  const names = normalNames(pattern);
  let paths = [''];
  for (const [index, name] of names.entries()) {
    if (anyDepth && name === '**') {
      paths = (await Promise.all(paths.map((path) => foldersBelow(root, path)))).flat();
      continue;
    }
    if (!hasWildcard(name)) {
      paths = paths.map((path) => (path === '' ? name : `${path}/${name}`));
      continue;
    }
    const matcher = patternToRegExp(name);
    const next: string[] = [];
    for (const path of paths) for (const match of await listNames(root, path)) if (matcher.test(match)) next.push(path === '' ? match : `${path}/${match}`);
    paths = next;
    if (paths.length === 0 && index < names.length) return [];
  }
  return paths;
}

/** A folder and all folders below it, not through links. */
async function foldersBelow(root: string, path: string): Promise<string[]> {
  const found = [path];
  for (const name of await listNames(root, path)) {
    const child = path === '' ? name : `${path}/${name}`;
    const info = await lstat(join(root, child)).catch(() => undefined);
    if (info?.isDirectory()) found.push(...(await foldersBelow(root, child)));
  }
  return found;
}

/** The names in a path with `.` and `..` worked out: nothing is above the root. */
function normalNames(pattern: string): string[] {
  const names: string[] = [];
  for (const name of pattern.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}

async function listNames(root: string, path: string): Promise<string[]> {
  const folder = join(root, await resolveInRoot(root, path));
  try {
    return (await lstat(folder)).isDirectory() ? (await readdir(folder)).sort() : [];
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
