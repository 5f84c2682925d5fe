import { isIPv4, isIPv6 } from 'node:net';
import type { CreateContainer, EndpointSettings, HostConfig } from '../api/docker/container.ts';
import { invalidConfig } from './errors.ts';
import type { ContainerRecord, NetworkMember } from './record.ts';

/** Whether a container with this mode has no networks that it could join or leave. */
export function isFixedMode(mode: string): boolean {
  return mode === 'host' || mode === 'none' || mode.startsWith('container:');
}

/**
 * The networks of a new container: those of EndpointsConfig, the one of NetworkMode first, else that one alone. Pure.
 * Throws INVALID_CONTAINER_CONFIG.
 */
export function planNetworks(request: CreateContainer, host: HostConfig): ContainerRecord['network'] {
  const mode = host.NetworkMode ?? 'bridge';
  const given = new Map(Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {}).map(([name, settings]) => [name === 'default' ? 'bridge' : name, settings ?? {}]));
  if (isFixedMode(mode)) {
    const other = [...given.keys()].find((name) => name !== mode);
    if (other !== undefined) throw invalidConfig({ what: 'conflicting options', detail: `a container of network mode ${mode} cannot be in network ${other}` });
    return { mode, endpoints: [] };
  }
  // A client may name the network of the mode by its id there.
  const byId = given.size === 1 && [...given.keys()].every((key) => /^[0-9a-f]{64}$/.test(key));
  const own = given.get(mode) ?? (byId ? [...given.values()][0] : undefined);
  const others = byId && own ? [] : [...given].filter(([name]) => name !== mode);
  const first = own === undefined && mode === 'bridge' && others.length > 0 ? [] : [firstMember(mode, own ?? {}, request, host)];
  return { mode, endpoints: [...first, ...others.map(([name, settings]) => toMember(name, settings))] };
}

function firstMember(mode: string, settings: EndpointSettings, request: CreateContainer, host: HostConfig): NetworkMember {
  const links = mode === 'bridge' ? [] : (host.Links ?? []);
  return toMember(mode, { ...settings, Links: [...(settings.Links ?? []), ...links], MacAddress: settings.MacAddress || request.MacAddress });
}

/** What a client says of a place in a network, checked. Pure. Throws INVALID_CONTAINER_CONFIG. */
export function toMember(network: string, settings: EndpointSettings): NetworkMember {
  const { Aliases, Links, MacAddress, IPAMConfig } = settings;
  const [ip, ip6] = [IPAMConfig?.IPv4Address || undefined, IPAMConfig?.IPv6Address || undefined];
  const fail = (detail: string): never => {
    throw invalidConfig({ what: 'invalid endpoint settings', detail });
  };
  if (ip !== undefined && !isIPv4(ip)) fail(`invalid IPv4 address: ${ip}`);
  if (ip6 !== undefined && !isIPv6(ip6)) fail(`invalid IPv6 address: ${ip6}`);
  if ((IPAMConfig?.LinkLocalIPs ?? []).length > 0) fail('--link-local-ip is not supported by this version of Berth');
  if (network === 'bridge' && (ip ?? ip6) !== undefined) fail('user specified IP address is supported on user defined networks only');
  if (network === 'bridge' && (Aliases ?? []).length > 0) fail('network-scoped alias is supported only for containers in user defined networks');
  const links = (Links ?? []).map(parseLink).map(({ container, alias }) => `${container}:${alias}`);
  return { network, aliases: Aliases ?? [], links, ...(MacAddress ? { mac: MacAddress } : {}), ...(ip === undefined ? {} : { ip }), ...(ip6 === undefined ? {} : { ip6 }) };
}

/** `container:alias`, or `container` alone. Throws INVALID_CONTAINER_CONFIG. */
export function parseLink(text: string): { readonly container: string; readonly alias: string } {
  const [, container = '', alias = container] = /^\/?([^:/\s]+)(?::(?:\/[^:\s]*\/)?([^:/\s]+))?$/.exec(text) ?? [];
  if (container === '') throw invalidConfig({ what: 'invalid link', detail: `"${text}" is not container:alias` });
  return { container, alias };
}
