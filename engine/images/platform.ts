import { formatPlatform, normalPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import type { Descriptor } from '../content/oci.ts';
import { platformMissing } from '../registry/errors.ts';
import { isAttestation } from './attestations.ts';

export type WantedPlatform = Platform;

/** The manifest of an index that fits the platform best. Throws PLATFORM_MISSING naming what there is. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: WantedPlatform, reference: string): Descriptor {
  const fits = manifests.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture);
  const variant = normalPlatform(wanted).variant ?? '';
  const best = fits.find(({ platform }) => platform && (normalPlatform(platform).variant ?? '') === variant) ?? fits[0] ?? onlyUnnamed(manifests);
  if (best) return best;
  const available = [...new Set(manifests.filter((one) => !isAttestation(one)).map(({ platform }) => (platform ? formatPlatform(normalPlatform(platform)) : 'unknown')))].join(', ');
  throw platformMissing({ reference, platform: formatPlatform(wanted), available });
}

/** An index of one manifest that does not say its platform leaves no choice. */
function onlyUnnamed(manifests: readonly Descriptor[]): Descriptor | undefined {
  return manifests.length === 1 && manifests[0]?.platform === undefined ? manifests[0] : undefined;
}
