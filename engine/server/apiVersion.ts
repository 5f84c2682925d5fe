import { apiVersionUnsupported } from '../base/errors.ts';

export const minApiVersion = '1.41';
export const maxApiVersion = '1.47';

/**
 * Splits `/v1.45/containers/json` into version and path. A path without a version speaks the newest one. Versions below the
 * oldest or above the newest are refused, as Docker does.
 */
export function splitApiVersion(path: string): { version: string; path: string } {
  const match = /^\/v(\d+)\.(\d+)(\/.*)$/.exec(path);
  if (!match) return { version: maxApiVersion, path };
  const version = `${match[1]}.${match[2]}`;
  if (compareApiVersions(version, minApiVersion) < 0 || compareApiVersions(version, maxApiVersion) > 0) {
    throw apiVersionUnsupported({ version, min: minApiVersion, max: maxApiVersion });
  }
  return { version, path: match[3] ?? '/' };
}

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. */
export function compareApiVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
