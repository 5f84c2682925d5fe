import { Buffer } from 'node:buffer';
import { storedSize } from './entry.ts';
import type { TarEntry } from './entry.ts';
import { archiveEscapes, archiveUnsupported } from './errors.ts';
import { noLimits } from './layerLimits.ts';
import type { LayerLimits } from './layerLimits.ts';
import { LayerPaths } from './layerPaths.ts';
import { isOverlayAttribute, layerRules } from './layerRules.ts';
import type { LayerRules } from './layerRules.ts';
import type { FileContent, TarPart } from './reader.ts';
import { RecipeWriter } from './recipe.ts';
import type { ContentReference } from './recipe.ts';
import { shownPath } from './shownPath.ts';
import { ownerHere } from '../userNamespace.ts';

const WHITEOUT = '.wh.';
const OPAQUE_WHITEOUT = '.wh..wh..opq';

/** What is to be done for a layer, in this order: make an entry, in the place of what may be there; or write content of the file made last. */
export type LayerStep = TarEntry | FileContent;

/**
 * Turns the parts of a layer's tar into what shall be made on disk, and writes down the recipe of the original. Where an archive
 * gives a file twice, the first content is kept by a hard link in the folder `replaced` (in the root, named so that no archive
 * can know it): the original can always be replayed.
 */
export class LayerTranslator {
  readonly recipe = new RecipeWriter();
  /** Bytes of file content that the layer has. */
  contentSize = 0;
  /** How many contents were moved to the folder `replaced`. */
  replacedCount = 0;
  readonly #replaced: string;
  readonly #paths = new LayerPaths();
  readonly #directories = new Map<string, TarEntry>();
  /** Of files that have any: where the recipe refers to theirs, and their size. A sparse file that is but a hole has nothing there. */
  readonly #contents = new Map<string, { readonly reference: ContentReference | undefined; readonly size: number }>();
  readonly #opaque = new Set<string>();
  readonly #rules: LayerRules;
  /** Device nodes that cannot be made here. */
  readonly #leftOut = new Set<string>();
  #pass = false;

  readonly #limits: LayerLimits;
  #entries = 0;
  /** Bytes of file content that were written: without holes, and with what was replaced. */
  #written = 0;

  constructor(replaced: string, rules: LayerRules = layerRules(), limits: LayerLimits = noLimits) {
    this.#replaced = replaced;
    this.#rules = rules;
    this.#limits = limits;
  }

  /** What this part means. Throws ARCHIVE_ESCAPES, ARCHIVE_UNSUPPORTED. */
  step(part: TarPart): LayerStep[] {
    if (part.kind === 'entry') {
      this.recipe.bytes(part.raw);
      return this.#entry(part.entry);
    }
    if (part.kind === 'content' && this.#pass) return [part];
    this.recipe.bytes(part.data);
    return [];
  }

  /** What comes after the last entry: opaque markers. */
  finish(): TarEntry[] {
    return [...this.#opaque].sort().map((path) => {
      const known = this.#directories.get(path) ?? directory(path);
      return { ...known, path: path === '' ? '.' : path, xattrs: new Map([...known.xattrs, [this.#rules.opaque, Buffer.from('y')]]) };
    });
  }

  #entry(entry: TarEntry): TarEntry[] {
    this.#entries += 1;
    const stored = storedSize(entry);
    this.#limits.check(this.#entries, this.#written + stored);
    const path = this.#paths.normalise(entry.path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    this.#pass = false;
    if (name.startsWith(WHITEOUT)) return this.#whiteout(path, name);
    if (path === '' && entry.type !== 'directory') throw archiveUnsupported({ path: shownPath(entry.path), detail: 'is the root, but not a directory' });
    if (this.#isImpossible(entry, path)) return this.#parents(path);
    const linkPath = this.#link(entry, path);
    if (entry.type === 'hardlink' && linkPath === path) return [];
    const before = [...this.#parents(path), ...this.#replace(path, entry.type === 'directory')];
    const checked = { ...entry, ...ownerHere(entry, shownPath(entry.path), this.#rules.ids), path: path === '' ? '.' : path, linkPath, xattrs: this.#attributes(entry) };
    if (path !== '') this.#paths.set(path, entry.type === 'directory' ? 'directory' : 'other');
    if (entry.type === 'directory') this.#directories.set(path, checked);
    this.#pass = entry.type === 'file';
    if (this.#pass && entry.size > 0) this.#contents.set(path, { reference: stored > 0 ? this.recipe.content(path, stored, entry.segments) : undefined, size: entry.size });
    this.#written += stored;
    this.contentSize += entry.size;
    return [...before, checked];
  }

  /** A device node, or a further name of one, where none can be made. Device 0/0 is overlay's whiteout, which everybody may make. */
  #isImpossible(entry: TarEntry, path: string): boolean {
    if (this.#rules.devices) return false;
    const device = (entry.type === 'character' || entry.type === 'block') && (entry.type === 'block' || entry.deviceMajor !== 0 || entry.deviceMinor !== 0);
    const name = entry.type === 'hardlink' && this.#leftOut.has(this.#paths.normalise(entry.linkPath));
    if (device || name) this.#leftOut.add(path);
    return device || name;
  }

  /** Overlay's own attributes are ours to set, never an archive's. */
  #attributes(entry: TarEntry): ReadonlyMap<string, Buffer> {
    return new Map([...entry.xattrs].filter(([name]) => !isOverlayAttribute(name, this.#rules) && !name.startsWith('user.overlay.')));
  }

  #whiteout(path: string, name: string): TarEntry[] {
    const folder = path.slice(0, Math.max(0, path.length - name.length - 1));
    if (name === OPAQUE_WHITEOUT) {
      this.#opaque.add(folder);
      return this.#parents(path);
    }
    const hidden = name.slice(WHITEOUT.length);
    if (hidden.startsWith(WHITEOUT) || hidden === '') return []; // bookkeeping of aufs
    if (hidden === '.' || hidden === '..') throw archiveEscapes({ path: shownPath(path), detail: 'is a whiteout of its own folder or of the one above' });
    return this.#hide(folder === '' ? hidden : `${folder}/${hidden}`);
  }

  /** A whiteout hides what lower layers have; what this layer itself has at the path stays. */
  #hide(path: string): TarEntry[] {
    const parents = this.#parents(path);
    const kind = this.#paths.kindOf(path);
    if (kind === 'directory') this.#opaque.add(path);
    if (kind !== undefined) return parents;
    this.#paths.set(path, 'whiteout');
    return [...parents, { ...directory(path), type: 'character', mode: 0 }];
  }

  /** Entries for folders that the archive does not mention: root's, mode 755, whatever the engine's umask. */
  #parents(path: string): TarEntry[] {
    return this.#paths.missingParents(path).flatMap((parent) => {
      const before = this.#replace(parent, true);
      this.#paths.set(parent, 'directory');
      return [...before, directory(parent)];
    });
  }

  /** Makes room at a path: keeps contents that the recipe needs. A directory over a whiteout hides what is below it. */
  #replace(path: string, isDirectory: boolean): TarEntry[] {
    const kind = this.#paths.kindOf(path);
    if (kind === undefined || (kind === 'directory' && isDirectory)) return [];
    if (kind === 'whiteout' && isDirectory) this.#opaque.add(path);
    if (kind !== 'directory') return this.#keep(path);
    if (this.#paths.hasBelow(path)) throw archiveUnsupported({ path: shownPath(path), detail: 'replaces a folder that the archive has filled before' });
    this.#directories.delete(path);
    this.#opaque.delete(path);
    return [];
  }

  /** Keeps the content at a path that is about to be replaced. */
  #keep(path: string): TarEntry[] {
    const content = this.#contents.get(path);
    if (!content) return [];
    this.#contents.delete(path);
    this.contentSize -= content.size;
    if (!content.reference) return [];
    const folder = this.replacedCount === 0 ? [{ ...directory(this.#replaced), mode: 0o700 }] : [];
    const name = String(this.replacedCount);
    this.replacedCount += 1;
    this.recipe.moveToReplaced(content.reference, name);
    return [...folder, { ...directory(`${this.#replaced}/${name}`), type: 'hardlink', linkPath: path }];
  }

  /** A hard link's target must be a file that this archive made; a symbolic link's is only text. */
  #link(entry: TarEntry, path: string): string {
    if (entry.type !== 'hardlink') {
      if (entry.linkPath.length > 4095) throw archiveUnsupported({ path: shownPath(path), detail: 'is a link to a path that is longer than Linux allows' });
      return entry.linkPath;
    }
    const target = this.#paths.normalise(entry.linkPath, `is a hard link to "${shownPath(entry.linkPath)}", which leads out of the root`);
    this.#paths.missingParents(target);
    if (this.#paths.kindOf(target) !== 'other') throw archiveUnsupported({ path: shownPath(path), detail: `is a hard link to "${shownPath(entry.linkPath)}", which is no file of this layer` });
    return target;
  }
}

function directory(path: string): TarEntry {
  return { path, type: 'directory', linkPath: '', size: 0, mode: 0o755, uid: 0, gid: 0, mtime: 0, deviceMajor: 0, deviceMinor: 0, xattrs: new Map() };
}
