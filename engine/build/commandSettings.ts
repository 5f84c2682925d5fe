import { parseExtraHost } from '../api/docker/run/extraHost.ts';
import { badRequest } from '../base/errors.ts';
import { isKnownUlimit } from '../host/rlimits.ts';
import type { CommandSettings } from './plan/graph.ts';

/** As clients write it. */
export interface WrittenSettings {
  /** `NAME:ADDRESS`. */
  readonly extraHosts?: readonly string[] | undefined;
  readonly shmSize?: number | undefined;
  readonly ulimits?: CommandSettings['ulimits'] | undefined;
}

/** Nothing where nothing is said: then steps have the keys that they have without. Throws BAD_REQUEST. */
export function commandSettings({ extraHosts = [], shmSize = 0, ulimits = [] }: WrittenSettings): { settings?: CommandSettings } {
  const hosts = extraHosts.map((text) => parseExtraHost(text) ?? invalid('extrahosts', `"${text}" is not NAME:ADDRESS, with an IP address or host-gateway`));
  for (const { Name, Soft, Hard } of ulimits) {
    if (!isKnownUlimit(Name)) invalid('ulimits', `"${Name}" is not a limit`);
    if (Hard >= 0 && (Soft < 0 || Soft > Hard)) invalid('ulimits', `the soft limit of ${Name} is above the hard one`);
  }
  const settings = { ...(hosts.length > 0 ? { hosts } : {}), ...(shmSize > 0 ? { shmSize } : {}), ...(ulimits.length > 0 ? { ulimits } : {}) };
  return Object.keys(settings).length > 0 ? { settings } : {};
}

function invalid(what: string, detail: string): never {
  throw badRequest({ what, detail });
}
