import type { BuildRequestBody } from '../../berth/build.ts';
import { formatExtraHost, parseExtraHost } from '../run/extraHost.ts';
import { parseBytes, parseUlimit } from '../run/quantities.ts';

/** Flags of `docker build` about what its commands are given. */
export interface SettingsOptions {
  readonly addHost?: readonly string[];
  readonly shmSize?: string;
  readonly ulimit?: readonly string[];
}

export function settingsRequest({ addHost = [], shmSize, ulimit = [] }: SettingsOptions): Pick<BuildRequestBody, 'extraHosts' | 'shmSize' | 'ulimits'> {
  const hosts = addHost.map((text) => formatExtraHost(parseExtraHost(text) ?? wrong(`--add-host ${text}`, 'NAME:ADDRESS, with an IP address or host-gateway')));
  const limits = ulimit.map((text) => parseUlimit(text) ?? wrong(`--ulimit ${text}`, 'NAME=SOFT[:HARD], the soft limit not above the hard one'));
  const size = shmSize === undefined ? 0 : (parseBytes(shmSize) ?? wrong(`--shm-size ${shmSize}`, 'a size such as 64m'));
  return { ...(hosts.length > 0 ? { extraHosts: hosts } : {}), ...(size > 0 ? { shmSize: size } : {}), ...(limits.length > 0 ? { ulimits: limits } : {}) };
}

export function parseNetwork(text: string): NonNullable<BuildRequestBody['network']> {
  return text === 'default' || text === 'none' || text === 'host' ? text : wrong(`--network ${text}`, 'default, none or host');
}

function wrong(flag: string, expected: string): never {
  throw new Error(`${flag}: expected ${expected}`);
}
