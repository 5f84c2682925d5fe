import { createHash } from 'node:crypto';

/** sha256, in hex, of plain data whose objects are always written with their keys in the same order. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
