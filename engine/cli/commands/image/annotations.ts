import type { BuildRequestBody } from '../../../api/berth/build.ts';

export type Pairs = Record<string, string>;

/** Annotations by what they are of. */
export interface Annotations {
  /** What the engine writes into manifests and the index. */
  readonly request: NonNullable<BuildRequestBody['annotations']>;
  /** What index.json of an OCI layout says of the result. */
  readonly descriptor: Readonly<Pairs>;
}

const TYPES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;
type Type = (typeof TYPES)[number];

/**
 * `--annotation [types:]key=value`, where types are of `manifest` (default), `index`, `manifest-descriptor` and `index-descriptor`, with
 * commas between; the first and third may be of one platform: `manifest[linux/arm64]`. `isIndex`: what is built.
 */
export function parseAnnotations(texts: readonly string[], isIndex: boolean): Annotations {
  const manifest: Pairs = {};
  const rows: Pairs = {};
  const index: Pairs = {};
  const descriptor: Pairs = {};
  const platforms: Record<string, { manifest: Pairs; descriptor: Pairs }> = {};
  for (const text of texts) {
    const { types, key, value } = parseOne(text);
    for (const { type, platform } of types) {
      if (!isIndex && (type === 'index' || type === 'index-descriptor')) throw new Error(`--annotation ${text}: index annotations not supported for single platform export`);
      const own = platform === undefined ? { manifest, descriptor: rows } : (platforms[platform] ??= { manifest: {}, descriptor: {} });
      const place = { manifest: own.manifest, 'manifest-descriptor': own.descriptor, index, 'index-descriptor': descriptor };
      place[type][key] = value;
    }
  }
  // Where there is no index, the layout's is the one that has the manifest's row.
  if (!isIndex) Object.assign(descriptor, rows, ...Object.values(platforms).map((own) => own.descriptor));
  return { request: { ...filled({ manifest, index }), ...(isIndex ? filled({ descriptor: rows }) : {}), ...filled({ platforms }) }, descriptor };
}

/** Without what is empty. */
function filled<T extends Record<string, object>>(groups: T): Partial<T> {
  return Object.fromEntries(Object.entries(groups).filter(([, group]) => Object.keys(group).length > 0)) as Partial<T>;
}

function parseOne(text: string): { types: Array<{ type: Type; platform?: string }>; key: string; value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`--annotation ${text}: invalid annotation, expected key=value`);
  const colon = text.slice(0, equals).indexOf(':');
  const prefix = colon < 0 ? 'manifest' : text.slice(0, colon);
  const types = prefix.split(',').map((name) => typeOf(text, name.trim(), prefix));
  const key = text.slice(colon + 1, equals);
  if (key === '') throw new Error(`--annotation ${text}: invalid annotation, expected key=value`);
  return { types, key, value: text.slice(equals + 1) };
}

function typeOf(text: string, name: string, prefix: string): { type: Type; platform?: string } {
  const [, word = '', platform] = /^(.*?)(?:\[(.+)\])?$/.exec(name) ?? [];
  const type = TYPES.find((one) => one === word);
  if (type === undefined) throw new Error(`--annotation ${text}: unknown annotation type ${prefix}: expected ${TYPES.join(', ')}`);
  if (platform === undefined) return { type };
  if (type === 'index' || type === 'index-descriptor') throw new Error(`--annotation ${text}: an index is of no platform`);
  return { type, platform };
}
