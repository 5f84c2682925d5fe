import { z } from 'zod';
import { containerConfigSchema } from '../../../api/docker/container.ts';
import type { ContainerService } from '../../../containers/containerService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { flagOf, refOf } from './containerQuery.ts';

/** What a container's files became: `diff`, `export`, `commit`. */
export function containerFilesRoutes(containers: ContainerService): Route[] {
  return [
    { method: 'GET', path: '/containers/:id/changes', handle: (context, reply) => changes(containers, context, reply) },
    { method: 'GET', path: '/containers/:id/export', handle: (context, reply) => containers.files.export(refOf(context), () => reply.stream(200, 'application/x-tar'), context.signal) },
    { method: 'POST', path: '/commit', handle: (context, reply) => commit(containers, context, reply) },
  ];
}

async function changes(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const found = await containers.files.changes(refOf(context));
  reply.json(200, found.length > 0 ? found.map(({ path, kind }) => ({ Path: path, Kind: kind })) : null);
}

async function commit(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const { query } = context;
  const text = (name: string): string => query.get(name) ?? '';
  const config = (await context.json(z.union([containerConfigSchema, z.null()]))) ?? {};
  const { id } = await containers.files.commit(text('container'), {
    name: text('repo') === '' ? '' : text('tag') === '' ? text('repo') : `${text('repo')}:${text('tag')}`,
    comment: text('comment'),
    author: text('author'),
    changes: query.getAll('changes').flatMap((change) => change.split('\n')).filter((change) => change.trim() !== ''),
    pause: flagOf(context, 'pause', true),
    config,
  });
  reply.json(201, { Id: id });
}
