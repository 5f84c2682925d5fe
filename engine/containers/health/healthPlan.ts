import type { Healthcheck } from '../../api/docker/container.ts';

/** How a container's health is looked at. Times in milliseconds. */
export interface HealthPlan {
  readonly command: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  /** Failures within this time after the start do not count. */
  readonly startPeriod: number;
  /** Between looks within the start period. */
  readonly startInterval: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

/** One look, in Docker's shape. Times are RFC 3339. */
export interface HealthResult {
  readonly Start: string;
  readonly End: string;
  readonly ExitCode: number;
  readonly Output: string;
}

export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** The last five looks, the oldest first. */
  readonly log: readonly HealthResult[];
}

export const startingHealth: Health = { status: 'starting', failingStreak: 0, log: [] };

const MS_PER_NS = 1e-6;
const KEPT_RESULTS = 5;
const defaults = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000, retries: 3 };

/** `undefined`: there is no check. Pure. */
export function planHealth(check: Healthcheck | null | undefined, shell: readonly string[] = ['/bin/sh', '-c']): HealthPlan | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (!check || kind === undefined || kind === 'NONE' || words.length === 0) return undefined;
  const time = (nanoseconds: number | null | undefined, otherwise: number): number => (nanoseconds ? nanoseconds * MS_PER_NS : otherwise);
  return {
    command: kind === 'CMD-SHELL' ? [...shell, words[0] ?? ''] : words,
    interval: time(check.Interval, defaults.interval),
    timeout: time(check.Timeout, defaults.timeout),
    startPeriod: time(check.StartPeriod, defaults.startPeriod),
    startInterval: time(check.StartInterval, defaults.startInterval),
    retries: check.Retries || defaults.retries,
  };
}

/** The image's check with what the request says instead; a request that names no test keeps the image's. Pure. */
export function mergeHealthcheck(image: Healthcheck | null | undefined, own: Healthcheck | null | undefined): Healthcheck | undefined {
  if (!own) return image ?? undefined;
  if ((own.Test?.length ?? 0) > 0 && own.Test?.[0] === 'NONE') return { Test: ['NONE'] };
  const merged: Healthcheck = { ...image, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== 0 && value !== null && value !== undefined && (!Array.isArray(value) || value.length > 0))) };
  return (merged.Test?.length ?? 0) > 0 ? merged : undefined;
}

/** What a look makes of what was known. `startedAt`: RFC 3339. Pure. */
export function afterLook(health: Health, result: HealthResult, plan: HealthPlan, startedAt: string): Health {
  const log = [...health.log, result].slice(-KEPT_RESULTS);
  if (result.ExitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  const forgiven = health.status === 'starting' && Date.parse(result.Start) - Date.parse(startedAt) < plan.startPeriod;
  const failingStreak = forgiven ? health.failingStreak : health.failingStreak + 1;
  return { status: failingStreak >= plan.retries ? 'unhealthy' : health.status, failingStreak, log };
}

/** Milliseconds until the next look. Pure. */
export function untilNextLook(health: Health, plan: HealthPlan, startedAt: string, now: number): number {
  const startPeriodEnds = Date.parse(startedAt) + plan.startPeriod;
  return health.status === 'starting' && now < startPeriodEnds ? Math.min(plan.startInterval, plan.interval) : plan.interval;
}
