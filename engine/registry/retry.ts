import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds. A registry that asks for more patience than the longest wait does not get it. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 60_000;
export const ATTEMPTS = 5;

/** Whether an answer with this status may be another one later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status === 500 || status === 502 || status === 503 || status === 504;
}

/** How long to wait before attempt `attempt` + 1 (1: the first has failed), in milliseconds: what `Retry-After` says, else twice as long each time. */
export function waitBefore(attempt: number, retryAfter: string | undefined, now = Date.now(), random = Math.random()): number {
  const asked = retryAfter === undefined ? undefined : /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now;
  if (asked !== undefined && Number.isFinite(asked)) return Math.max(0, Math.min(asked, LONGEST_WAIT));
  return FIRST_WAIT * 2 ** (attempt - 1) * (0.75 + random / 2);
}

/** Waits; rejects with the reason of the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
