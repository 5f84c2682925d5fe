import { resolve } from 'node:path';
import type { BuildRequestBody } from '../../../api/berth/build.ts';
import { defineError } from '../../../base/errors.ts';
import { Fields } from './fields.ts';

type CacheFrom = NonNullable<BuildRequestBody['cacheFrom']>[number];
type CacheTo = NonNullable<BuildRequestBody['cacheTo']>[number];

export interface BuildCacheOptions {
  /** Those in folders are of this machine. */
  readonly from: readonly CacheFrom[];
  readonly to: readonly CacheTo[];
  /** Where a cache in a folder goes on this machine, and its name there. */
  readonly folder?: { readonly dest: string; readonly tag: string };
}

const typeUnsupported = defineError<{ flag: string; type: string }>('BUILD_CACHE_TYPE', 400, (p) => `${p.flag}: build caches of type ${p.type} are not supported. Those of type registry, local and inline (--cache-to) are: keep a folder of type local where ${p.type} would have kept the cache`);

/** What `--cache-from` and `--cache-to` ask for. A word alone is the name of an image. */
export function parseCaches(from: readonly string[], to: readonly string[], cwd: string): BuildCacheOptions {
  const targets = to.map((text) => parseTarget(text, cwd));
  const folders = targets.flatMap(({ folder }) => folder ?? []);
  if (folders.length > 1) throw new Error('--cache-to: only one of type local');
  const [folder] = folders;
  return { from: from.flatMap((text) => parseSource(text, cwd)), to: targets.map(({ target }) => target), ...(folder ? { folder } : {}) };
}

function parseSource(text: string, cwd: string): CacheFrom[] {
  if (!text.includes('=')) return splitNames(text).map((ref): CacheFrom => ({ type: 'image', ref }));
  const fields = new Fields('--cache-from', text);
  const type = fields.take('type') ?? fields.fail('type is required');
  const source = sourceOf(type, fields, cwd);
  fields.end();
  return [source];
}

function sourceOf(type: string, fields: Fields, cwd: string): CacheFrom {
  if (type === 'registry') return { type, ref: fields.take('ref') ?? fields.fail('ref is required for the registry cache') };
  if (type !== 'local') return unsupported(type, fields);
  const folder = resolve(cwd, fields.take('src') ?? fields.fail('src is required for the local cache'));
  const tag = fields.take('tag');
  return { type, folder, ...(tag === undefined ? {} : { tag }) };
}

function parseTarget(text: string, cwd: string): { target: CacheTo; folder?: { dest: string; tag: string } } {
  const fields = text.includes('=') ? new Fields('--cache-to', text) : new Fields('--cache-to', text === 'inline' ? 'type=inline' : `type=registry,ref=${text}`);
  const type = fields.take('type') ?? fields.fail('type is required');
  const made = targetOf(type, fields, cwd);
  fields.end();
  return made;
}

function targetOf(type: string, fields: Fields, cwd: string): { target: CacheTo; folder?: { dest: string; tag: string } } {
  if (type === 'inline') {
    fields.oneOf('mode', ['min'], 'min');
    return { target: { type } };
  }
  const mode = fields.oneOf('mode', ['min', 'max'], 'min');
  fields.isOn('oci-mediatypes', true);
  fields.isOn('image-manifest', true);
  if (type === 'registry') return { target: { type, mode, ref: fields.take('ref') ?? fields.fail('ref is required for the registry cache'), ignoreError: fields.isOn('ignore-error', false) } };
  if (type !== 'local') return unsupported(type, fields);
  const dest = resolve(cwd, fields.take('dest') ?? fields.fail('dest is required for the local cache'));
  return { target: { type, mode }, folder: { dest, tag: fields.take('tag') ?? 'latest' } };
}

function unsupported(type: string, fields: Fields): never {
  throw typeUnsupported({ flag: fields.flag, type });
}

function splitNames(text: string): string[] {
  return text.split(',').map((name) => name.trim()).filter((name) => name !== '');
}
