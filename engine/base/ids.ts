import { randomBytes } from 'node:crypto';

/** A container-style id: 64 hex digits, never all digits in its first 12 (Docker's rule: a hostname must not be a number). */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** A short id for folders and files: `bytes` × 2 hex digits. */
export function shortRandom(bytes = 10): string {
  return randomBytes(bytes).toString('hex');
}
