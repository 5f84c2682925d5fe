import { formatPlatform } from '../../base/platform.ts';
import type { BuildPlatform } from './graph.ts';

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
const proxyNames = new Set([...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]);

/** Arguments that every RUN gets without ARG and that are no part of its meaning. */
export function isProxyArgument(name: string): boolean {
  return proxyNames.has(name);
}

/** TARGETPLATFORM and its kin, BUILDPLATFORM and its kin. */
export function platformArguments(target: BuildPlatform, build: BuildPlatform): ReadonlyMap<string, string> {
  return new Map([...ofPlatform('TARGET', target), ...ofPlatform('BUILD', build)]);
}

function ofPlatform(prefix: string, platform: BuildPlatform): Array<readonly [string, string]> {
  const values = { PLATFORM: formatPlatform(platform), OS: platform.os, ARCH: platform.architecture, VARIANT: platform.variant ?? '' };
  return Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value] as const);
}
