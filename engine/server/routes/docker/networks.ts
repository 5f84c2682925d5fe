import { networkConnectSchema, networkCreateSchema } from '../../../api/docker/network.ts';
import type { NetworkCreate, NetworkResource } from '../../../api/docker/network.ts';
import { badRequest } from '../../../base/errors.ts';
import type { NetworkCatalog, NetworkView, NewNetwork } from '../../../networks/networkCatalog.ts';
import type { NetworkService } from '../../../networks/networkService.ts';
import type { RequestContext, Route } from '../../route.ts';
import { parseFilters } from './eventFilter.ts';
import { labelsMatch } from './labelFilter.ts';

/** Finds a container by id, name or the beginning of an id and gives its id; throws if there is none. */
export type ContainerLookup = (ref: string) => string;

/** `/networks…` */
export function networkRoutes(service: Pick<NetworkService, 'catalog' | 'connect' | 'disconnect'>, lookup: ContainerLookup): Route[] {
  const { catalog } = service;
  return [
    { method: 'GET', path: '/networks', handle: (context, reply) => reply.json(200, list(catalog, context)) },
    { method: 'GET', path: '/networks/:id', handle: ({ params }, reply) => reply.json(200, toResource(catalog.inspect(params['id'] ?? ''), true)) },
    {
      method: 'POST',
      path: '/networks/create',
      handle: async (context, reply) => reply.json(201, { Id: (await catalog.create(toNewNetwork(await context.json(networkCreateSchema)))).id, Warning: '' }),
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
        const ip = EndpointConfig?.IPAMConfig?.IPv4Address;
        await service.connect(lookup(Container), context.params['id'] ?? '', { ...(ip === undefined || ip === '' ? {} : { ip }), aliases: EndpointConfig?.Aliases ?? [] });
        reply.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/networks/:id/disconnect',
      handle: async (context, reply) => {
        const { Container } = await context.json(networkConnectSchema);
        await service.disconnect(lookup(Container), context.params['id'] ?? '');
        reply.empty(200);
      },
    },
    { method: 'POST', path: '/networks/prune', handle: async (context, reply) => reply.json(200, { NetworksDeleted: await prune(catalog, context) }) },
  ];
}

function toNewNetwork(body: NetworkCreate): NewNetwork {
  const [config, ...more] = body.IPAM?.Config ?? [];
  if (more.length > 0) throw badRequest({ what: 'IPAM', detail: 'one subnet a network' });
  return {
    name: body.Name,
    ...(body.Driver ? { driver: body.Driver } : {}),
    ...(config?.Subnet ? { subnet: config.Subnet } : {}),
    ...(config?.Gateway ? { gateway: config.Gateway } : {}),
    internal: body.Internal ?? false,
    labels: body.Labels ?? {},
    options: body.Options ?? {},
  };
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
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: record.subnet === '' ? [] : [{ Subnet: record.subnet, Gateway: record.gateway }] },
    Internal: record.internal,
    Attachable: false,
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
    members.map(({ containerId, name, leg }) => [containerId, { Name: name, EndpointID: leg.endpointId, MacAddress: leg.mac, IPv4Address: `${leg.ip}/${leg.prefix}`, IPv6Address: '' }]),
  );
}
