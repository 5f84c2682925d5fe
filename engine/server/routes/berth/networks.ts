import type { EventBus } from '../../../base/eventBus.ts';
import type { NetworkService } from '../../../networks/networkService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `/berth/v1/networks/:id/refused`: what containers of a network with an allow-list were refused, as JSON lines; `follow=1`: and what comes. */
export function berthNetworkRoutes(networks: Pick<NetworkService, 'refusals' | 'catalog'>, events: EventBus): Route[] {
  return [{ method: 'GET', path: '/berth/v1/networks/:id/refused', handle: (context, reply) => refused(networks, events, context, reply) }];
}

async function refused(networks: Pick<NetworkService, 'refusals' | 'catalog'>, events: EventBus, { params, query, signal }: RequestContext, reply: Reply): Promise<void> {
  const { record } = networks.catalog.inspect(params['id'] ?? '');
  let shown = 0;
  let out: NodeJS.WritableStream | undefined;
  let turn = Promise.resolve();
  const more = async (): Promise<void> => {
    const all = await networks.refusals(record.id);
    out ??= reply.stream(200, 'application/x-ndjson');
    // The older half of a long log may have been dropped meanwhile.
    for (const one of all.slice(Math.min(shown, all.length))) out.write(`${JSON.stringify(one)}\n`);
    shown = all.length;
  };
  await more();
  if (query.get('follow') !== '1') {
    out?.end();
    return;
  }
  const listener = events.on(({ type, action, id }) => {
    if (type === 'network' && action === 'refuse' && id === record.id) turn = turn.then(more).catch(() => undefined);
    if (type === 'network' && action === 'destroy' && id === record.id) out?.end();
  });
  signal.addEventListener('abort', () => listener.dispose(), { once: true });
}
