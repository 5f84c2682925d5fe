import { volumeCreateSchema } from '../../../api/docker/volume.ts';
import type { VolumeResource } from '../../../api/docker/volume.ts';
import { badRequest } from '../../../base/errors.ts';
import type { Volume, VolumeService } from '../../../volumes/volumeService.ts';
import type { RequestContext, Route } from '../../route.ts';
import { parseFilters } from './eventFilter.ts';
import { labelsMatch } from './labelFilter.ts';

/** `/volumes…` */
export function volumeRoutes(service: VolumeService): Route[] {
  return [
    { method: 'GET', path: '/volumes', handle: (context, reply) => reply.json(200, { Volumes: list(service, context).map(toResource), Warnings: null }) },
    { method: 'GET', path: '/volumes/:name', handle: ({ params }, reply) => reply.json(200, toResource(service.inspect(params['name'] ?? ''))) },
    {
      method: 'POST',
      path: '/volumes/create',
      handle: async (context, reply) => {
        const body = await context.json(volumeCreateSchema);
        reply.json(201, toResource(await service.create({ name: body.Name ?? '', driver: body.Driver ?? '', options: body.DriverOpts ?? {}, labels: body.Labels ?? {} })));
      },
    },
    {
      method: 'DELETE',
      path: '/volumes/:name',
      handle: async ({ params, query }, reply) => {
        await service.remove(params['name'] ?? '', { force: isTrue(query.get('force')) });
        reply.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/volumes/prune',
      handle: async (context, reply) => {
        const { names, bytes } = await service.prune(pruneFilter(service, context));
        reply.json(200, { VolumesDeleted: names, SpaceReclaimed: bytes });
      },
    },
  ];
}

function list(service: VolumeService, { query }: RequestContext): Volume[] {
  const tests = Object.entries(parseFilters(query.get('filters'))).map(([key, values]) => volumeTest(key, values, service));
  return service.list().filter((volume) => tests.every((test) => test(volume)));
}

function volumeTest(key: string, values: readonly string[], service: VolumeService): (volume: Volume) => boolean {
  switch (key) {
    case 'name':
      return ({ name }) => values.some((value) => name.includes(value));
    case 'driver':
      return () => values.includes('local');
    case 'label':
      return ({ labels }) => labelsMatch(labels, values);
    case 'dangling':
      return ({ name }) => isTrue(values[0] ?? null) === (service.usersOf(name).length === 0);
    default:
      throw badRequest({ what: 'filters', detail: `unknown filter "${key}"` });
  }
}

/** Since API 1.42 only anonymous volumes are pruned, unless the filter `all` says otherwise. */
function pruneFilter(service: VolumeService, { query, apiVersion }: RequestContext): (volume: Volume) => boolean {
  const { label = [], 'label!': unlike = [], all, ...others } = parseFilters(query.get('filters'));
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw badRequest({ what: 'filters', detail: `unknown filter "${unknown}"` });
  const named = Number(apiVersion.split('.')[1]) < 42 || isTrue(all?.[0] ?? null);
  return (volume) => (named || service.isAnonymous(volume)) && labelsMatch(volume.labels, label) && !unlike.some((one) => labelsMatch(volume.labels, [one]));
}

function isTrue(value: string | null): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}

/** Docker's shape. */
export function toResource({ name, mountpoint, created, labels }: Volume): VolumeResource {
  return { CreatedAt: created, Driver: 'local', Labels: { ...labels }, Mountpoint: mountpoint, Name: name, Options: null, Scope: 'local' };
}
