import type { ImageDiff } from '../api/berth/image.ts';

/** Where Debian's dpkg and Alpine's apk keep what is installed. Images without a package manager have a file for each package in `status.d`. */
export const DPKG = /^var\/lib\/dpkg\/(status|status\.d\/[^/]+)$/;
export const APK = /^(lib|usr\/lib)\/apk\/db\/installed$/;

/** Names and versions; several versions of one, such as kernels, together. */
export function versionsOf(packages: Iterable<Pick<InstalledPackage, 'name' | 'version'>>): Map<string, string> {
  const found = new Map<string, Set<string>>();
  for (const { name, version } of packages) found.set(name, (found.get(name) ?? new Set()).add(version));
  return new Map([...found].map(([name, versions]) => [name, [...versions].sort().join(', ')]));
}

/** A package as the database of its package manager has it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  /** Whoever is responsible for it. */
  readonly maintainer?: string;
  /** The source package, where it is called otherwise. */
  readonly source?: string;
  readonly license?: string;
}

/** Paragraphs of `Field: value`; what was removed but for its configuration is not installed. */
export function* dpkgPackages(text: string): Generator<InstalledPackage> {
  for (const paragraph of text.split(/\n\n+/)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version, status] = [field('Package'), field('Version'), field('Status')];
    if (name === undefined || version === undefined || (status !== undefined && !/ installed$/.test(status))) continue;
    yield installed(name, version, { architecture: field('Architecture'), maintainer: field('Maintainer'), source: field('Source')?.replace(/ \(.*\)$/, '') });
  }
}

export function* apkPackages(text: string): Generator<InstalledPackage> {
  for (const paragraph of text.split(/\n\n+/)) {
    const field = (letter: string): string | undefined => new RegExp(`^${letter}:(.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version] = [field('P'), field('V')];
    if (name !== undefined && version !== undefined) yield installed(name, version, { architecture: field('A'), maintainer: field('m'), source: field('o'), license: field('L') });
  }
}

type Details = Pick<InstalledPackage, 'architecture' | 'maintainer' | 'source' | 'license'>;

/** Without what its database does not say. */
export function installed(name: string, version: string, details: { readonly [K in keyof Details]: Details[K] | undefined }): InstalledPackage {
  return { name, version, ...(Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined && value !== '')) as Details) };
}

export function diffPackages(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ImageDiff['packages'] {
  const only = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): Array<{ name: string; version: string }> => [...one].filter(([name]) => !other.has(name)).map(([name, version]) => ({ name, version }));
  const changed = [...after].flatMap(([name, version]) => {
    const old = before.get(name);
    return old === undefined || old === version ? [] : [{ name, from: old, to: version }];
  });
  return { added: only(after, before), removed: only(before, after), changed };
}
