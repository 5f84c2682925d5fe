import type { CreateBody, Endpoint } from './createBody.ts';
import { FlagUnsupported, FlagValueError, must, valued } from './flags.ts';
import type { RunDraft, RunFlag } from './flags.ts';

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** The networks of a container, and what it is called there. */
export const networkFlags: readonly RunFlag[] = [
  valued('network net', 'NETWORK', 'network: a name, host, none, or container:NAME; again for a further one, also as name=…,alias=…,ip=…,ip6=…,mac-address=…', (draft, value) => addNetwork(draft.body, value)),
  valued('network-alias net-alias', 'NAME', 'one more name on the network', (draft, value) => void (first(draft).Aliases ??= []).push(value)),
  valued('ip', 'ADDRESS', 'IPv4 address on the network', (draft, value) => void (addresses(first(draft)).IPv4Address = value)),
  valued('ip6', 'ADDRESS', 'IPv6 address on the network', (draft, value) => void (addresses(first(draft)).IPv6Address = value)),
  valued('link', 'CONTAINER[:ALIAS]', 'know another container by a name of its own', (draft, value) => void (draft.body.HostConfig.Links ??= []).push(must(/^[^:]+(:[^:]+)?$/.test(value) ? (value.includes(':') ? value : `${value}:${value}`) : undefined, 'container:alias'))),
  valued('link-local-ip', 'ADDRESS', 'not supported', () => {
    throw new FlagUnsupported('link-local addresses are not supported by this version of Berth');
  }),
  valued('mac-address', 'MAC', 'hardware address', (draft, value) => void (draft.body.MacAddress = must(MAC.test(value) ? value : undefined, 'six pairs of hex digits with colons between them'))),
];

/** The first one is the container's mode; flags for it may have come before it. */
function addNetwork(body: CreateBody, text: string): void {
  const { name, ...settings } = parseNetwork(text);
  const endpoints = body.NetworkingConfig?.EndpointsConfig ?? {};
  if (body.HostConfig.NetworkMode === undefined) {
    body.HostConfig.NetworkMode = name;
    const { default: early, ...rest } = endpoints;
    if (early !== undefined || Object.keys(settings).length > 0) body.NetworkingConfig = { EndpointsConfig: { ...rest, [name]: { ...early, ...settings } } };
    return;
  }
  const mode = body.HostConfig.NetworkMode;
  body.NetworkingConfig = { EndpointsConfig: { ...endpoints, [mode]: endpoints[mode] ?? {}, [name]: settings } };
}

function first({ body }: RunDraft): Endpoint {
  const endpoints = (body.NetworkingConfig ??= { EndpointsConfig: {} }).EndpointsConfig;
  return (endpoints[body.HostConfig.NetworkMode ?? 'default'] ??= {});
}

function addresses(endpoint: Endpoint): NonNullable<Endpoint['IPAMConfig']> {
  return (endpoint.IPAMConfig ??= {});
}

/** A name alone, or `name=…,alias=…,…`. Throws what tells people. */
function parseNetwork(text: string): Endpoint & { name: string } {
  if (!/^[a-z0-9-]+=/.test(text)) return { name: text };
  const network: Endpoint & { name: string } = { name: '' };
  for (const part of text.split(',')) {
    const [key = '', value = ''] = [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)];
    if (key === 'name') network.name = value;
    else if (key === 'alias') (network.Aliases ??= []).push(value);
    else if (key === 'ip') addresses(network).IPv4Address = value;
    else if (key === 'ip6') addresses(network).IPv6Address = value;
    else if (key === 'mac-address') network.MacAddress = must(MAC.test(value) ? value : undefined, 'mac-address=… with six pairs of hex digits');
    else throw new FlagValueError(`expected name, alias, ip, ip6 or mac-address, not "${key}"`);
  }
  must(network.name || undefined, 'name=… among its parts');
  return network;
}
