import { invalidConfig } from './errors.ts';
import type { ContainerRecord } from './record.ts';

/**
 * What `docker logs --details` puts before each line: the labels and variables that the options `labels`, `labels-regex`, `env`, `env-regex` of
 * the log name, and its `tag`. Escaped as in a query, sorted by name. Pure. Throws INVALID_CONTAINER_CONFIG.
 */
export function logAttributes(record: Pick<ContainerRecord, 'id' | 'name' | 'imageId' | 'imageRef' | 'config' | 'hostConfig'>): string {
  const options: Readonly<Record<string, string>> = record.hostConfig.LogConfig?.Config ?? {};
  const env = (record.config.Env ?? []).map((entry) => [entry.split('=')[0] ?? '', entry.slice(entry.indexOf('=') + 1)] as const);
  const found = new Map([
    ...chosen(Object.entries(record.config.Labels ?? {}), options, 'labels'),
    ...chosen(env, options, 'env'),
    ...(options['tag'] ? [['tag', tagOf(options['tag'], record)] as const] : []),
  ]);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.map(escape).join('=')).join(',');
}

/** Options that `logAttributes` acts on. */
export const attributeOptions = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];

function chosen(entries: ReadonlyArray<readonly [string, string]>, options: Readonly<Record<string, string>>, option: 'labels' | 'env'): Array<readonly [string, string]> {
  const names = new Set((options[option] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== ''));
  const pattern = options[`${option}-regex`];
  const expression = pattern ? compiled(`${option}-regex`, pattern) : undefined;
  return entries.filter(([name]) => names.has(name) || expression?.test(name));
}

function compiled(option: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw invalidConfig({ what: 'invalid log option', detail: `${option}=${pattern}: ${error instanceof Error ? error.message : String(error)}` });
  }
}

/** A tag's template, as `{{.Name}}/{{.ID}}`. */
function tagOf(template: string, record: Parameters<typeof logAttributes>[0]): string {
  const imageId = record.imageId.replace(/^sha256:/, '');
  const fields: Readonly<Record<string, string>> = { ID: record.id.slice(0, 12), FullID: record.id, Name: record.name, ImageID: imageId.slice(0, 12), ImageFullID: imageId, ImageName: record.imageRef, DaemonName: 'docker' };
  return template.replaceAll(/\{\{\s*([^}]*?)\s*\}\}/g, (_all, inner: string) => {
    const value = /^\.(\w+)$/.exec(inner)?.[1];
    if (value === undefined || fields[value] === undefined) throw invalidConfig({ what: 'invalid log option', detail: `tag=${template}: only ${Object.keys(fields).map((name) => `{{.${name}}}`).join(', ')} are known` });
    return fields[value];
  });
}

/** As Go's url.QueryEscape. */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%20', '+');
}
