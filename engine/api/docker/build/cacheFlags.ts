import type { BuildRequestBody } from '../../berth/build.ts';
import { Fields } from './fields.ts';

type CacheFrom = NonNullable<BuildRequestBody['cacheFrom']>[number];
type CacheTo = NonNullable<BuildRequestBody['cacheTo']>[number];

/** A cache of a type that is none of ours. */
export class CacheTypeUnsupported extends Error {
  override readonly name = 'CacheTypeUnsupported';
  /** As it was written. */
  readonly flag: string;
  readonly type: string;

  constructor(flag: string, type: string) {
    super(`${flag}: build caches of type ${type} are not supported`);
    this.flag = flag;
    this.type = type;
  }
}

/** Where `--cache-from` says that steps are taken from. A word alone is the name of an image; several may have commas between them. `folder` makes an absolute path. */
export function parseCacheFrom(text: string, folder: (path: string) => string): CacheFrom[] {
  if (!text.includes('=')) return splitNames(text).map((ref): CacheFrom => ({ type: 'image', ref }));
  const fields = new Fields('--cache-from', text);
  const type = fields.take('type') ?? fields.fail('type is required');
  const source = sourceOf(type, fields, folder);
  fields.end();
  return [source];
}

function sourceOf(type: string, fields: Fields, folder: (path: string) => string): CacheFrom {
  if (type === 'registry') return { type, ref: fields.take('ref') ?? fields.fail('ref is required for the registry cache') };
  if (type !== 'local') throw new CacheTypeUnsupported(fields.flag, type);
  const path = folder(fields.take('src') ?? fields.fail('src is required for the local cache'));
  const tag = fields.take('tag');
  return { type, folder: path, ...(tag === undefined ? {} : { tag }) };
}

/** Where `--cache-to` says that steps are kept; one of type local goes to `dest`, which is the client's to fill. */
export function parseCacheTo(text: string): { readonly target: CacheTo; readonly local?: { readonly dest: string; readonly tag: string } } {
  const fields = text.includes('=') ? new Fields('--cache-to', text) : new Fields('--cache-to', text === 'inline' ? 'type=inline' : `type=registry,ref=${text}`);
  const type = fields.take('type') ?? fields.fail('type is required');
  const made = targetOf(type, fields);
  fields.end();
  return made;
}

function targetOf(type: string, fields: Fields): ReturnType<typeof parseCacheTo> {
  if (type === 'inline') {
    fields.oneOf('mode', ['min'], 'min');
    return { target: { type } };
  }
  const mode = fields.oneOf('mode', ['min', 'max'], 'min');
  fields.isOn('oci-mediatypes', true);
  fields.isOn('image-manifest', true);
  if (type === 'registry') return { target: { type, mode, ref: fields.take('ref') ?? fields.fail('ref is required for the registry cache'), ignoreError: fields.isOn('ignore-error', false) } };
  if (type !== 'local') throw new CacheTypeUnsupported(fields.flag, type);
  const dest = fields.take('dest') ?? fields.fail('dest is required for the local cache');
  return { target: { type, mode }, local: { dest, tag: fields.take('tag') ?? 'latest' } };
}

function splitNames(text: string): string[] {
  return text.split(',').map((name) => name.trim()).filter((name) => name !== '');
}
