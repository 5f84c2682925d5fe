import { createContainerSchema, limitsSchema } from '../../../api/docker/container.ts';
import { badRequest } from '../../../base/errors.ts';
import type { ContainerService, WaitCondition } from '../../../containers/containerService.ts';
import { parseFilters } from '../../../containers/listing.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { containerArchiveRoutes } from './containerArchive.ts';
import { containerFilesRoutes } from './containerFiles.ts';
import { flagOf, numberOf, refOf } from './containerQuery.ts';
import { containerStreamRoutes } from './containerStreams.ts';

/** `/containers/…`, Docker's. */
export function containerRoutes(containers: ContainerService): Route[] {
  const post = (path: string, handle: Route['handle']): Route => ({ method: 'POST', path: `/containers/${path}`, handle });
  return [
    { method: 'GET', path: '/containers/json', handle: (context, reply) => list(containers, context, reply) },
    { method: 'GET', path: '/containers/:id/json', handle: (context, reply) => reply.json(200, containers.inspect(refOf(context))) },
    post('create', (context, reply) => create(containers, context, reply)),
    post('prune', (context, reply) => prune(containers, context, reply)),
    post(':id/start', async (context, reply) => reply.empty((await containers.start(refOf(context))) ? 204 : 304)),
    post(':id/stop', async (context, reply) => reply.empty((await containers.stop(refOf(context), stopOptions(context))) ? 204 : 304)),
    post(':id/restart', async (context, reply) => {
      await containers.restart(refOf(context), stopOptions(context));
      reply.empty(204);
    }),
    post(':id/kill', async (context, reply) => {
      await containers.kill(refOf(context), context.query.get('signal') ?? 'SIGKILL');
      reply.empty(204);
    }),
    post(':id/pause', async (context, reply) => {
      await containers.pause(refOf(context));
      reply.empty(204);
    }),
    post(':id/unpause', async (context, reply) => {
      await containers.unpause(refOf(context));
      reply.empty(204);
    }),
    post(':id/rename', async (context, reply) => {
      await containers.rename(refOf(context), context.query.get('name') ?? '');
      reply.empty(204);
    }),
    post(':id/update', async (context, reply) => {
      await containers.update(refOf(context), await context.json(limitsSchema));
      reply.json(200, { Warnings: [] });
    }),
    post(':id/wait', (context, reply) => wait(containers, context, reply)),
    { method: 'DELETE', path: '/containers/:id', handle: (context, reply) => remove(containers, context, reply) },
    ...containerStreamRoutes(containers),
    ...containerArchiveRoutes(containers),
    ...containerFilesRoutes(containers),
  ];
}

async function list(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const limit = numberOf(context, 'limit');
  const found = containers.list({ all: flagOf(context, 'all'), ...(limit === undefined ? {} : { limit }), filters: parseFilters(context.query.get('filters')) });
  reply.json(200, flagOf(context, 'size') ? await containers.withSizes(found) : found);
}

async function create(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const request = await context.json(createContainerSchema);
  const { id, warnings } = await containers.create(request, context.query.get('name') ?? undefined, context.query.get('platform') ?? undefined);
  reply.json(201, { Id: id, Warnings: warnings });
}

async function remove(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  await containers.remove(refOf(context), { force: flagOf(context, 'force'), volumes: flagOf(context, 'v') });
  reply.empty(204);
}

/** Headers go out at once: `docker run` starts the container only when it knows that somebody waits for its end. */
async function wait(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const condition = context.query.get('condition') || 'not-running';
  if (!isCondition(condition)) throw badRequest({ what: 'condition', detail: `invalid condition: "${condition}"` });
  containers.find(refOf(context));
  const result = containers.wait(refOf(context), condition);
  const out = reply.stream(200, 'application/json');
  const { statusCode, error } = await result;
  out.end(`${JSON.stringify({ StatusCode: statusCode, ...(error === undefined ? {} : { Error: { Message: error } }) })}\n`);
}

function isCondition(text: string): text is WaitCondition {
  return text === 'not-running' || text === 'next-exit' || text === 'removed';
}

async function prune(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const { removed, bytes } = await containers.prune(parseFilters(context.query.get('filters')));
  reply.json(200, { ContainersDeleted: removed, SpaceReclaimed: bytes });
}

function stopOptions(context: RequestContext): { readonly timeout?: number; readonly signal?: string } {
  const timeout = numberOf(context, 't');
  const signal = context.query.get('signal');
  return { ...(timeout === undefined ? {} : { timeout }), ...(signal ? { signal } : {}) };
}
