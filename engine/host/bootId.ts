import { readFileSync } from 'node:fs';

/** Names this boot of the kernel: a pid and a start time of another boot are nobody's. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
