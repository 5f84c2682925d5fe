import type { Capabilities, Entries } from '../../base/sync/entry.ts';
import { foldKey, foldersAbove, windowsFault } from '../../base/sync/paths.ts';

/**
 * The host's paths that this machine cannot hold, with the reason: names that Windows does not have, and names that are one here (README, readme).
 * Of those the one that is here already stays, else the first. They are left alone on both sides.
 */
export function hiddenPaths(local: Entries, remote: Entries, side: Capabilities): Map<string, string> {
  const hidden = new Map<string, string>();
  if (!side.caseInsensitive && !side.normalizing && !side.windowsNames) return hidden;
  const owners = new Map<string, string>();
  for (const path of local.keys()) owners.set(foldKey(path, side), path);
  for (const path of [...remote.keys()].sort()) {
    if (hasHidden(path, hidden)) continue;
    const fault = side.windowsNames ? windowsFault(path) : undefined;
    const key = foldKey(path, side);
    const owner = owners.get(key);
    if (fault !== undefined) hidden.set(path, fault);
    else if (owner === undefined || owner === path || !remote.has(owner)) owners.set(key, path);
    else hidden.set(path, `on this machine it has the same name as ${owner}`);
  }
  return hidden;
}

function hasHidden(path: string, hidden: ReadonlyMap<string, string>): boolean {
  for (const folder of foldersAbove(path)) if (hidden.has(folder)) return true;
  return false;
}
