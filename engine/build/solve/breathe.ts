import { setImmediate } from 'node:timers/promises';

/** Milliseconds that one piece of work may keep the engine from answering others. */
const LONGEST = 8;

let last = 0;

/**
 * Lets everything else have its turn when the last was more than a few milliseconds ago. Between two calls many small files
 * are handled with synchronous calls: each takes microseconds, where a trip through the thread pool takes ten times as long.
 */
export async function breathe(signal?: AbortSignal): Promise<void> {
  if (performance.now() - last < LONGEST) return;
  await setImmediate();
  last = performance.now();
  signal?.throwIfAborted();
}
