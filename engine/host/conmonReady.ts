import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 100;

/**
 * Resolves when conmon has made its child and sleeps, that is, waits for what the child does. A runtime that is done before that
 * (conmon has been preempted for some milliseconds) has handed over a terminal which conmon then does not take: it ends without
 * a word, and the process loses its terminal.
 */
export async function untilConmonWaits(pid: number | undefined): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (pid !== undefined && !waits(pid) && Date.now() < end) await delay(1);
}

function waits(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'S' && readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1') !== '';
  } catch {
    return true; // it has ended, or this kernel does not list children
  }
}
