import type { BuildPlatform } from './graph.ts';

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
const proxyNames = new Set([...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]);

/** Arguments that every RUN gets without ARG and that are no part of its meaning. */
export function isProxyArgument(name: string): boolean {
  return proxyNames.has(name);
}

/** TARGETPLATFORM and its kin. */
export function platformArguments(platform: BuildPlatform): ReadonlyMap<string, string> {
  const full = [platform.os, platform.architecture, ...(platform.variant ? [platform.variant] : [])].join('/');
  const values = { PLATFORM: full, OS: platform.os, ARCH: platform.architecture, VARIANT: platform.variant ?? '' };
  return new Map(Object.entries(values).flatMap(([key, value]) => [[`TARGET${key}`, value] as const, [`BUILD${key}`, value] as const]));
}
