import { execCreateSchema, execStartSchema } from '../../../api/docker/container.ts';
import type { ContainerService } from '../../../containers/containerService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { refOf, sizeOf, streamType } from './containerQuery.ts';

/** `/containers/:id/exec` and `/exec/…`, Docker's. */
export function execRoutes({ execs }: Pick<ContainerService, 'execs'>): Route[] {
  return [
    { method: 'POST', path: '/containers/:id/exec', handle: async (context, reply) => reply.json(201, { Id: execs.create(refOf(context), await context.json(execCreateSchema)) }) },
    { method: 'POST', path: '/exec/:id/start', handle: (context, reply) => start(execs, context, reply) },
    { method: 'GET', path: '/exec/:id/json', handle: async (context, reply) => reply.json(200, await execs.inspect(refOf(context))) },
    {
      method: 'POST',
      path: '/exec/:id/resize',
      handle: async (context, reply) => {
        const { rows, columns } = sizeOf(context);
        await execs.resize(refOf(context), rows, columns);
        reply.empty(200);
      },
    },
  ];
}

async function start(execs: ContainerService['execs'], context: RequestContext, reply: Reply): Promise<void> {
  const { Detach, ConsoleSize } = await context.json(execStartSchema);
  const id = refOf(context);
  const [rows, columns] = ConsoleSize ?? [];
  const size = rows && columns ? { rows, columns } : undefined;
  const { tty } = execs.check(id);
  if (Detach) {
    await execs.start(id, undefined, size);
    reply.empty(200);
    return;
  }
  await execs.start(id, await reply.hijack(streamType(tty)), size);
}
