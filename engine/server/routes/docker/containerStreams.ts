import type { ContainerService } from '../../../containers/containerService.ts';
import { requireLog } from '../../../containers/logs.ts';
import type { LogOptions } from '../../../containers/logs.ts';
import { badRequest } from '../../../base/errors.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { flagOf, refOf, sizeOf, streamType, timeOf } from './containerQuery.ts';

/** What of a container flows: logs, attach, stats; and its terminal and processes. */
export function containerStreamRoutes(containers: ContainerService): Route[] {
  return [
    { method: 'GET', path: '/containers/:id/logs', handle: (context, reply) => logs(containers, context, reply) },
    { method: 'POST', path: '/containers/:id/attach', handle: (context, reply) => attach(containers, context, reply) },
    { method: 'GET', path: '/containers/:id/stats', handle: (context, reply) => stats(containers, context, reply) },
    { method: 'GET', path: '/containers/:id/top', handle: async (context, reply) => reply.json(200, await containers.top(refOf(context), context.query.get('ps_args') ?? '-ef')) },
    {
      method: 'POST',
      path: '/containers/:id/resize',
      handle: async (context, reply) => {
        const { rows, columns } = sizeOf(context);
        await containers.resize(refOf(context), rows, columns);
        reply.empty(200);
      },
    },
  ];
}

async function logs(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const container = containers.find(refOf(context));
  const options = logOptions(context);
  if (!options.stdout && !options.stderr) throw badRequest({ what: 'logs', detail: 'you must choose at least one stream' });
  requireLog(container);
  const out = reply.stream(200, streamType(container.tty));
  await containers.logs(container.id, options, out, context.signal);
  out.end();
}

function logOptions(context: RequestContext): LogOptions {
  const tail = context.query.get('tail') ?? 'all';
  const lines = /^\d+$/.test(tail) ? Number(tail) : undefined;
  const since = timeOf(context, 'since');
  const until = timeOf(context, 'until');
  return {
    stdout: flagOf(context, 'stdout'),
    stderr: flagOf(context, 'stderr'),
    timestamps: flagOf(context, 'timestamps'),
    follow: flagOf(context, 'follow'),
    details: flagOf(context, 'details'),
    ...(lines === undefined ? {} : { tail: lines }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

async function attach(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const container = containers.checkAttach(refOf(context));
  const wants = { stdin: flagOf(context, 'stdin'), stdout: flagOf(context, 'stdout'), stderr: flagOf(context, 'stderr') };
  const client = await reply.hijack(streamType(container.tty));
  if (flagOf(context, 'logs')) await containers.logs(container.id, { ...wants, timestamps: false, follow: false }, client, context.signal);
  if (flagOf(context, 'stream')) await containers.attach(container.id, client, { ...wants, detachKeys: context.query.get('detachKeys') ?? '' });
  else client.end();
}

async function stats(containers: ContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const container = containers.find(refOf(context));
  const stream = flagOf(context, 'stream', true);
  const figures = containers.stats(container.id, { stream, oneShot: flagOf(context, 'one-shot') }, context.signal);
  const out = reply.stream(200, 'application/json');
  for await (const one of figures) {
    if (!out.writable) return;
    out.write(`${JSON.stringify(one)}\n`);
  }
  out.end();
}
