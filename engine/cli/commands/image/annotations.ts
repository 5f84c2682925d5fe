/** Annotations by what they are of. */
export interface Annotations {
  readonly manifest: Readonly<Record<string, string>>;
  /** What the index of an OCI layout says of the manifest. */
  readonly descriptor: Readonly<Record<string, string>>;
}

const TYPES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;

/** `--annotation [types:]key=value`, where types are of `manifest` (default), `index`, `manifest-descriptor` and `index-descriptor`, with commas between. */
export function parseAnnotations(texts: readonly string[]): Annotations {
  const found = { manifest: {} as Record<string, string>, descriptor: {} as Record<string, string> };
  for (const text of texts) {
    const { types, key, value } = parseOne(text);
    for (const type of types) {
      if (type === 'index' || type === 'index-descriptor') throw new Error(`--annotation ${text}: index annotations not supported for single platform export`);
      found[type === 'manifest' ? 'manifest' : 'descriptor'][key] = value;
    }
  }
  return found;
}

function parseOne(text: string): { types: Array<(typeof TYPES)[number]>; key: string; value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`--annotation ${text}: invalid annotation, expected key=value`);
  const colon = text.slice(0, equals).indexOf(':');
  const prefix = colon < 0 ? 'manifest' : text.slice(0, colon);
  const types = prefix.split(',').map((name) => TYPES.find((type) => type === name.trim().replace(/\[.*\]$/, '')));
  if (!types.every((type) => type !== undefined)) throw new Error(`--annotation ${text}: unknown annotation type ${prefix}: expected ${TYPES.join(', ')}`);
  if (/\[/.test(prefix)) throw new Error(`--annotation ${text}: annotations of one platform are not supported where there is only one`);
  const key = text.slice(colon + 1, equals);
  if (key === '') throw new Error(`--annotation ${text}: invalid annotation, expected key=value`);
  return { types, key, value: text.slice(equals + 1) };
}
