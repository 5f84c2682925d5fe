import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFailed, copySourceNotFound } from '../errors.ts';
import type { Place } from '../errors.ts';
import { IgnoreRules } from '../../base/dockerIgnore.ts';
import { hasWildcard } from '../../base/dockerPatterns.ts';
import { readTree } from '../context/tree.ts';
import { CopyConflict, Copier } from '../copy/copier.ts';
import type { CopyRules } from '../copy/copier.ts';
import type { Owner } from '../copy/owner.ts';
import { lookUpOwner } from '../copy/owner.ts';
import { selectSources } from '../copy/selectSources.ts';
import type { SelectedSource, SourceTree } from '../copy/selectSources.ts';
import { unpackArchive } from '../copy/unpack.ts';
import { mountReadable } from '../overlay.ts';
import type { CopyOp } from '../plan/graph.ts';
import type { Workspace } from './workspace.ts';

const ROOT: Owner = { uid: 0, gid: 0 };

/** What the sources of a COPY are in a tree. Throws COPY_SOURCE_NOT_FOUND. */
export async function selectAll(op: Pick<CopyOp, 'sources' | 'exclude' | 'parents'>, tree: SourceTree, where: string, place: Place, signal: AbortSignal): Promise<SelectedSource[]> {
  const all: SelectedSource[] = [];
  const excluded = op.exclude ? exclusions(op.exclude, place) : undefined;
  for (const pattern of op.sources) {
    const selected = (await selectSources(tree, pattern, signal, op.parents ? { parents: true } : {})).flatMap((source) => without(source, excluded));
    if (selected.length === 0 && !hasWildcard(pattern)) throw copySourceNotFound({ ...place, source: pattern, where });
    all.push(...selected);
  }
  const [first] = op.sources;
  if (all.length === 0 && first !== undefined) throw copySourceNotFound({ ...place, source: first, where });
  return all;
}

function exclusions(patterns: readonly string[], place: Place): IgnoreRules {
  try {
    return new IgnoreRules(patterns.join('\n'), '--exclude');
  } catch (error) {
    throw copyFailed({ ...place, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

/** A source without what its instruction excludes: of a folder some entries, a file by its name altogether. */
function without(source: SelectedSource, excluded: IgnoreRules | undefined): SelectedSource[] {
  if (!excluded) return [source];
  const [first] = source.entries;
  if (first?.type !== 'folder') return excluded.ignores(source.name) ? [] : [source];
  return [{ ...source, entries: source.entries.filter(({ path }) => path === '' || !excluded.ignores(path)) }];
}

/** Copies the sources onto the layers below; returns how many bytes of files that made. `keepOwners`: the files stay whose they were unless the operation names an owner. */
export async function executeCopy(op: CopyOp, sources: readonly SelectedSource[], keepOwners: boolean, workspace: Workspace, former: Pick<CopyRules, 'former' | 'mtime' | 'made'> = {}): Promise<number> {
  const { place, signal } = workspace;
  const inline = await writeInline(op, workspace.temp);
  if (sources.length + inline.length > 1 && !op.dest.endsWith('/') && op.dest !== '/') {
    throw copyFailed({ ...place, detail: 'with more than one source file the destination must be a directory and end with a /' });
  }
  await using view = await mountReadable(workspace.temp, workspace.lowerDirs);
  const named = op.owner === undefined ? undefined : await lookUpOwner(view.root, op.owner, place);
  const rules = { view: view.root, upper: workspace.upperDir, madeBy: named ?? ROOT, signal, made: former.made, ...(op.mode === undefined ? {} : { mode: op.mode }) };
  const given = new Copier({ ...rules, ...former, ...(named || !keepOwners ? { owner: named ?? ROOT } : {}) });
  const unpacked = new Copier({ ...rules, ...(named ? { owner: named } : {}) });
  try {
    for (const [index, source] of [...sources, ...inline].entries()) {
      const contents = (source.unpack ?? op.unpack) ? await unpackArchive(source, join(workspace.temp, `archive-${index}`), signal) : undefined;
      if (contents) await unpacked.copy(contents, op.dest);
      else await given.copy(source, op.dest);
    }
    return given.bytes + unpacked.bytes;
  } catch (error) {
    if (error instanceof CopyConflict) throw copyFailed({ ...place, detail: error.message }, { cause: error });
    throw error;
  }
}

async function writeInline(op: CopyOp, temp: string): Promise<SelectedSource[]> {
  const found: SelectedSource[] = [];
  for (const [index, { name, content }] of op.inline.entries()) {
    const folder = join(temp, `inline-${index}`);
    await mkdir(folder);
    await writeFile(join(folder, name), content, { mode: 0o644 });
    await utimes(join(folder, name), 0, 0);
    found.push({ name, entries: await readTree(folder, name) });
  }
  return found;
}
