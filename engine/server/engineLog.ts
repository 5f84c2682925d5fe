import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';

const ROTATE_AT = 10 * 1024 * 1024;

/** Opens the engine's log for appending; a log over 10 MiB becomes `<path>.1` first. Readable by its owner only. */
export function openEngineLog(path: string): Writable {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > ROTATE_AT) renameSync(path, `${path}.1`);
  const out = createWriteStream(path, { flags: 'a', mode: 0o600 });
  out.on('error', () => undefined); // a full disk must not end the engine
  return out;
}
