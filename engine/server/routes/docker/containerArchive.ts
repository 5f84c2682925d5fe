import type { Readable } from 'node:stream';
import { badRequest } from '../../../base/errors.ts';
import type { ContainerService } from '../../../containers/containerService.ts';
import type { PathStat } from '../../../containers/archive.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { refOf } from './containerQuery.ts';

/** `/containers/:id/archive`: what `docker cp` uses. */
export function containerArchiveRoutes(containers: ContainerService): Route[] {
  const path = '/containers/:id/archive';
  return [
    {
      method: 'HEAD',
      path,
      handle: async (context, reply) => {
        describe(reply, await containers.archive.stat(containers.find(refOf(context)), pathOf(context)));
        reply.empty(200);
      },
    },
    {
      method: 'GET',
      path,
      handle: (context, reply) =>
        containers.archive.read(containers.find(refOf(context)), pathOf(context), (stat) => {
          describe(reply, stat);
          return reply.stream(200, 'application/x-tar');
        }),
    },
    {
      method: 'PUT',
      path,
      handle: async (context, reply) => {
        await containers.archive.write(containers.find(refOf(context)), pathOf(context), context.body as Readable);
        reply.empty(200);
      },
    },
  ];
}

function describe(reply: Reply, stat: PathStat): void {
  reply.header('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(stat)).toString('base64'));
}

function pathOf(context: RequestContext): string {
  const path = context.query.get('path') ?? '';
  if (path === '') throw badRequest({ what: 'path', detail: 'the path in the container is missing' });
  return path;
}
