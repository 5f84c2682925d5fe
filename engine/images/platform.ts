import { arch } from 'node:os';
import type { Descriptor, Platform } from '../content/oci.ts';
import { platformMissing } from '../registry/errors.ts';

export type WantedPlatform = Pick<Platform, 'os' | 'architecture'> & { readonly variant?: string };

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What this host runs, in Go's words. */
export function hostPlatform(): WantedPlatform {
  return { os: 'linux', architecture: goArch[arch()] ?? arch() };
}

/** The manifest of an index that fits the platform best. Throws PLATFORM_MISSING naming what there is. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: WantedPlatform, reference: string): Descriptor {
  const fits = manifests.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture);
  const best = fits.find(({ platform }) => (platform?.variant ?? '') === (wanted.variant ?? '')) ?? fits[0] ?? onlyUnnamed(manifests);
  if (best) return best;
  const available = [...new Set(manifests.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'unknown')))].join(', ');
  throw platformMissing({ reference, platform: `${wanted.os}/${wanted.architecture}`, available });
}

/** An index of one manifest that does not say its platform leaves no choice. */
function onlyUnnamed(manifests: readonly Descriptor[]): Descriptor | undefined {
  return manifests.length === 1 && manifests[0]?.platform === undefined ? manifests[0] : undefined;
}
