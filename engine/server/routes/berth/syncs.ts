import type { Duplex } from 'node:stream';
import { syncConnectSchema, syncIdSchema } from '../../../api/berth/sync.ts';
import { badRequest } from '../../../base/errors.ts';
import type { SyncService } from '../../../sync/syncService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

const MEDIA_TYPE = 'application/vnd.berth.sync';

/** `/berth/v1/syncs`: what is connected; `…/:id/connect` and `/berth/v1/contexts/:id/connect` turn the connection into a sync's; DELETE forgets what was learnt. */
export function syncRoutes(syncs: SyncService): Route[] {
  return [
    { method: 'GET', path: '/berth/v1/syncs', handle: (_context, reply) => reply.json(200, syncs.list()) },
    {
      method: 'POST',
      path: '/berth/v1/syncs/:id/connect',
      handle: async (context, reply) => {
        const { folder } = await context.json(syncConnectSchema);
        await carry(reply, context, await syncs.connect(idOf(context), folder));
      },
    },
    { method: 'POST', path: '/berth/v1/contexts/:id/connect', handle: async (context, reply) => carry(reply, context, await syncs.connectContext(idOf(context))) },
    {
      method: 'DELETE',
      path: '/berth/v1/syncs/:id',
      handle: async (context, reply) => {
        await syncs.forget(idOf(context));
        reply.empty(204);
      },
    },
  ];
}

async function carry(reply: Reply, context: RequestContext, serve: (stream: Duplex) => Promise<void>): Promise<void> {
  const stream = await reply.hijack(MEDIA_TYPE);
  context.signal.addEventListener('abort', () => stream.destroy(), { once: true });
  await serve(stream);
}

function idOf(context: RequestContext): string {
  const parsed = syncIdSchema.safeParse(context.params['id']);
  if (!parsed.success) throw badRequest({ what: 'the id of the sync', detail: 'must be 16 to 64 hex digits' });
  return parsed.data;
}
