import { networkConnectSchema, networkCreateSchema } from '../../../api/docker/network.ts';
import type { NetworkCreate, NetworkResource } from '../../../api/docker/network.ts';
import { badRequest, notImplemented } from '../../../base/errors.ts';
import type { EndpointSettings } from '../../../api/docker/container.ts';
import type { NetworkCatalog, NetworkView } from '../../../networks/networkCatalog.ts';
import { unknownOptions } from '../../../networks/networkOptions.ts';
import type { NewNetwork } from '../../../networks/newNetwork.ts';
import type { RequestContext, Route } from '../../route.ts';
import { parseFilters } from './eventFilter.ts';
import { labelsMatch } from './labelFilter.ts';

/** What `/networks` needs: the networks, and containers that join and leave them, running or not. */
export interface NetworkChanges {
  readonly catalog: NetworkCatalog;
  connect(container: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnect(container: string, network: string): Promise<void>;
}

/** `/networks…` */
export function networkRoutes(changes: NetworkChanges): Route[] {
  const { catalog } = changes;
  return [
    { method: 'GET', path: '/networks', handle: (context, reply) => reply.json(200, list(catalog, context)) },
    { method: 'GET', path: '/networks/:id', handle: ({ params }, reply) => reply.json(200, toResource(catalog.inspect(params['id'] ?? ''), true)) },
    {
      method: 'POST',
      path: '/networks/create',
      handle: async (context, reply) => {
        const request = toNewNetwork(await context.json(networkCreateSchema));
        const { id } = await catalog.create(request);
        reply.json(201, { Id: id, Warning: unknownOptions(request.options ?? {}).map((key) => `This version of Berth does not act on --opt ${key}.`).join(' ') });
      },
    },
    {
      method: 'DELETE',
      path: '/networks/:id',
      handle: async ({ params }, reply) => {
        await catalog.remove(params['id'] ?? '');
        reply.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/networks/:id/connect',
      handle: async (context, reply) => {
        const { Container, EndpointConfig } = await context.json(networkConnectSchema);
        await changes.connect(Container, context.params['id'] ?? '', EndpointConfig ?? {});
        reply.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/networks/:id/disconnect',
      handle: async (context, reply) => {
        const { Container } = await context.json(networkConnectSchema);
        await changes.disconnect(Container, context.params['id'] ?? '');
        reply.empty(200);
      },
    },
    { method: 'POST', path: '/networks/prune', handle: async (context, reply) => reply.json(200, { NetworksDeleted: await prune(catalog, context) }) },
  ];
}

function toNewNetwork(body: NetworkCreate): NewNetwork {
  refuseUnsupported(body);
  return {
    name: body.Name,
    ...(body.Driver ? { driver: body.Driver } : {}),
    subnets: (body.IPAM?.Config ?? []).map(({ Subnet, Gateway, IPRange, AuxiliaryAddresses, AuxAddress }) => ({
      ...(Subnet ? { subnet: Subnet } : {}),
      ...(Gateway ? { gateway: Gateway } : {}),
      ...(IPRange ? { range: IPRange } : {}),
      aux: AuxiliaryAddresses ?? AuxAddress ?? {},
    })),
    ipv6: body.EnableIPv6 ?? false,
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    labels: body.Labels ?? {},
    options: body.Options ?? {},
  };
}

function refuseUnsupported({ IPAM, Scope, Ingress, ConfigOnly, EnableIPv4 }: NetworkCreate): void {
  if (IPAM?.Driver && IPAM.Driver !== 'default') throw notImplemented({ what: `IPAM driver ${IPAM.Driver}` });
  if (Scope && Scope !== 'local') throw notImplemented({ what: `Scope ${Scope}` });
  if (Ingress) throw notImplemented({ what: 'An ingress network' });
  if (ConfigOnly) throw notImplemented({ what: 'A network that is a configuration only' });
  if (EnableIPv4 === false) throw notImplemented({ what: 'A network without IPv4' });
}

function list(catalog: NetworkCatalog, { query }: RequestContext): NetworkResource[] {
  const tests = Object.entries(parseFilters(query.get('filters'))).map(([key, values]) => viewTest(key, values));
  return catalog.list().filter((view) => tests.every((test) => test(view))).map((view) => toResource(view, false));
}

async function prune(catalog: NetworkCatalog, { query }: RequestContext): Promise<string[]> {
  const { label = [], until, ...others } = parseFilters(query.get('filters'));
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw badRequest({ what: 'filters', detail: `unknown filter "${unknown}"` });
  const before = until?.[0] === undefined ? Infinity : untilTime(until[0]);
  return catalog.prune((record) => labelsMatch(record.labels, label) && Date.parse(record.created) <= before);
}

function viewTest(key: string, values: readonly string[]): (view: NetworkView) => boolean {
  switch (key) {
    case 'name':
      return ({ record }) => values.some((value) => record.name.includes(value));
    case 'id':
      return ({ record }) => values.some((value) => record.id.startsWith(value));
    case 'driver':
      return ({ record }) => values.includes(record.driver);
    case 'scope':
      return () => values.includes('local');
    case 'type':
      return ({ record }) => values.includes(['bridge', 'host', 'none'].includes(record.name) ? 'builtin' : 'custom');
    case 'label':
      return ({ record }) => labelsMatch(record.labels, values);
    case 'dangling':
      return ({ record, members }) => ['true', '1'].includes(values[0] ?? '') === (members.length === 0 && record.driver === 'bridge' && record.name !== 'bridge');
    default:
      throw badRequest({ what: 'filters', detail: `unknown filter "${key}"` });
  }
}

/** Milliseconds since 1970 of a filter such as `1700000000`, `2024-01-31T12:00:00Z` or `24h` (ago). */
function untilTime(text: string): number {
  const ago = /^(\d+)(s|m|h)$/.exec(text);
  if (ago) return Date.now() - Number(ago[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[ago[2] as 's' | 'm' | 'h'];
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) throw badRequest({ what: 'filters', detail: `until: "${text}" is neither a time nor a duration` });
  return time;
}

function toResource({ record, members }: NetworkView, withContainers: boolean): NetworkResource {
  return {
    Name: record.name,
    Id: record.id,
    Created: record.created,
    Scope: 'local',
    Driver: record.driver,
    EnableIPv4: record.driver === 'bridge',
    EnableIPv6: record.subnet6 !== '',
    IPAM: { Driver: 'default', Options: null, Config: ipamConfig(record) },
    Internal: record.internal,
    Attachable: record.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: withContainers ? containersOf(members) : {},
    Options: record.name === 'bridge' ? { 'com.docker.network.bridge.default_bridge': 'true', 'com.docker.network.bridge.name': record.bridge, ...record.options } : record.options,
    Labels: record.labels,
  };
}

function containersOf(members: NetworkView['members']): NonNullable<NetworkResource['Containers']> {
  return Object.fromEntries(
    members.map(({ containerId, name, leg }) => [containerId, { Name: name, EndpointID: leg.endpointId, MacAddress: leg.mac, IPv4Address: `${leg.ip}/${leg.prefix}`, IPv6Address: leg.ip6 === '' ? '' : `${leg.ip6}/${leg.prefix6}` }]),
  );
}

function ipamConfig({ subnet, gateway, range, subnet6, gateway6, range6, aux }: NetworkView['record']): NonNullable<NetworkResource['IPAM']['Config']> {
  const part = (Subnet: string, Gateway: string, IPRange: string, isSix: boolean) => {
    const others = Object.entries(aux).filter(([, address]) => address.includes(':') === isSix);
    return Subnet === '' ? [] : [{ Subnet, Gateway, ...(IPRange === '' ? {} : { IPRange }), ...(others.length === 0 ? {} : { AuxiliaryAddresses: Object.fromEntries(others) }) }];
  };
  return [...part(subnet, gateway, range, false), ...part(subnet6, gateway6, range6, true)];
}
