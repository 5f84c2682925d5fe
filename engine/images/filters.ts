import { badRequest } from '../base/errors.ts';
import type { ImageRecord } from './imageRecord.ts';
import { seconds } from './views.ts';

export type ImageFilters = Readonly<Record<string, readonly string[]>>;

/**
 * Images that pass Docker's filters: `dangling`, `reference` (glob), `label`, `label!`, `before`, `since`, `until`. Values of one
 * key are alternatives, keys add up. With `reference`, only the names that fit are shown. Throws BAD_REQUEST.
 */
export function filterImages(images: readonly ImageRecord[], filters: ImageFilters, resolve: (ref: string) => ImageRecord): ImageRecord[] {
  const tests = Object.entries(filters).map(([key, values]) => imageTest(key, values, resolve));
  const patterns = filters['reference'];
  return images.filter((image) => tests.every((test) => test(image))).map((image) => (patterns ? withNames(image, patterns) : image));
}

function imageTest(key: string, values: readonly string[], resolve: (ref: string) => ImageRecord): (image: ImageRecord) => boolean {
  switch (key) {
    case 'dangling':
      return danglingTest(values);
    case 'reference':
      return (image) => [...image.repoTags, ...image.repoDigests].some((name) => nameFits(name, values));
    case 'label':
      return (image) => values.every((label) => hasLabel(image, label));
    case 'label!':
      return (image) => !values.some((label) => hasLabel(image, label));
    case 'before':
    case 'since': {
      const times = values.map((ref) => Date.parse(resolve(ref).created));
      return (image) => times.every((time) => (key === 'before' ? Date.parse(image.created) < time : Date.parse(image.created) > time));
    }
    case 'until': {
      const limits = values.map(untilTime);
      return (image) => limits.every((limit) => seconds(image.created) < limit);
    }
    default:
      throw badRequest({ what: 'filters', detail: `unknown filter "${key}"` });
  }
}

function danglingTest(values: readonly string[]): (image: ImageRecord) => boolean {
  const wanted = values.map((value) => value === '1' || value.toLowerCase() === 'true');
  const bad = values.find((value) => !/^(true|false|1|0)$/i.test(value));
  if (bad !== undefined) throw badRequest({ what: 'filters', detail: `dangling is true or false, not "${bad}"` });
  return (image) => wanted.every((value) => isDangling(image) === value);
}

/** Nobody's tag points to it any more. */
export function isDangling(image: ImageRecord): boolean {
  return image.repoTags.length === 0;
}

function hasLabel(image: ImageRecord, label: string): boolean {
  const labels = image.config.config?.Labels ?? {};
  const split = label.indexOf('=');
  return split < 0 ? label in labels : labels[label.slice(0, split)] === label.slice(split + 1);
}

function withNames(image: ImageRecord, patterns: readonly string[]): ImageRecord {
  const fits = (name: string): boolean => nameFits(name, patterns);
  return { ...image, repoTags: image.repoTags.filter(fits), repoDigests: image.repoDigests.filter(fits) };
}

/** A pattern may name the repository alone or with its tag: `debian`, `deb*:book*`, `team/*`. */
function nameFits(name: string, patterns: readonly string[]): boolean {
  const at = name.indexOf('@');
  const repository = at >= 0 ? name.slice(0, at) : name.slice(0, name.lastIndexOf(':'));
  return patterns.some((pattern) => globMatches(pattern, name) || globMatches(pattern, repository));
}

/** Go's path.Match: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, `\` takes the next character as it is. */
export function globMatches(pattern: string, text: string): boolean {
  let expression = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern[index] ?? '';
    const close = char === '[' ? pattern.indexOf(']', index + 2) : -1;
    if (char === '*') expression += '[^/]*';
    else if (char === '?') expression += '[^/]';
    else if (close > 0) {
      expression += `[${pattern.slice(index + 1, close).replace(/[\\[]/g, '\\$&')}]`;
      index = close;
    } else if (char === '\\' && index + 1 < pattern.length) {
      index += 1;
      expression += (pattern[index] ?? '').replace(/[^\w]/g, '\\$&');
    } else expression += char.replace(/[^\w]/g, '\\$&');
  }
  try {
    return new RegExp(`^${expression}$`, 's').test(text);
  } catch (error) {
    throw badRequest({ what: 'filters', detail: `"${pattern}" is not a pattern` }, { cause: error });
  }
}

/** Seconds since 1970 from a Unix time, an RFC 3339 time, or a Go duration before now (`24h`, `1h30m`). */
function untilTime(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(h|m|s)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === value) {
    const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
    return Date.now() / 1000 - parts.reduce((total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? 0), 0);
  }
  const time = Date.parse(value);
  if (Number.isNaN(time)) throw badRequest({ what: 'filters', detail: `until: "${value}" is neither a time nor a duration` });
  return time / 1000;
}
