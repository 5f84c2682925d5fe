import { setImmediate } from 'node:timers/promises';

/** Milliseconds that a walk may keep the process from other work. */
const LONGEST = 8;

let last = 0;

/** Whether it is time to let others have their turn: a promise for each of many small steps would cost more than the steps. */
export function isLong(): boolean {
  return performance.now() - last > LONGEST;
}

export async function breathe(): Promise<void> {
  await setImmediate();
  last = performance.now();
}
