import { chmodSync, closeSync, existsSync, lstatSync, openSync, rmSync } from 'node:fs';
import type { Capabilities } from '../sync/entry.ts';
import type { StagingFolder } from './staging.ts';

/** What the file system of a folder can keep, found by trying. */
export function probeCapabilities(staging: StagingFolder): Capabilities {
  const name = 'probe-\u00e9-a';
  const place = staging.place(name);
  closeSync(openSync(place, 'w', 0o600));
  try {
    return {
      caseInsensitive: existsSync(staging.place(name.replace('-a', '-A'))),
      normalizing: existsSync(staging.place(name.normalize('NFD'))),
      modes: keepsModes(place),
      windowsNames: process.platform === 'win32',
    };
  } finally {
    rmSync(place, { force: true });
  }
}

function keepsModes(place: string): boolean {
  if (process.platform === 'win32') return false;
  try {
    chmodSync(place, 0o641);
    return (lstatSync(place).mode & 0o777) === 0o641;
  } catch {
    return false;
  }
}
