import { badRequest } from '../../base/errors.ts';

/** What the build cache may grow to. */
export interface CacheLimits {
  readonly maxBytes: number;
  /** Milliseconds without use. */
  readonly maxAgeMs: number;
}

const DAY = 24 * 3600 * 1000;
const DEFAULT_BYTES = 20e9;
const DEFAULT_DAYS = 30;
const units: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, tib: 1024 ** 4 };

/** BERTH_BUILD_CACHE_SIZE (`20GB`; bytes without a unit) and BERTH_BUILD_CACHE_DAYS. Throws BAD_REQUEST. */
export function cacheLimitsOf(env: NodeJS.ProcessEnv): CacheLimits {
  const size = env['BERTH_BUILD_CACHE_SIZE'] ?? String(DEFAULT_BYTES);
  const days = env['BERTH_BUILD_CACHE_DAYS'] ?? String(DEFAULT_DAYS);
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(size.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === '' || factor === undefined) throw badRequest({ what: 'BERTH_BUILD_CACHE_SIZE', detail: `"${size}" is no size such as 20GB` });
  if (!/^\d+(\.\d+)?$/.test(days.trim())) throw badRequest({ what: 'BERTH_BUILD_CACHE_DAYS', detail: `"${days}" is no number of days` });
  return { maxBytes: Number(number) * factor, maxAgeMs: Number(days) * DAY };
}
