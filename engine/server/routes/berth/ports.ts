import { portRefSchema } from '../../../api/berth/port.ts';
import type { PortEvent } from '../../../api/berth/port.ts';
import type { PortService } from '../../../devcontainers/forwarding/portService.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `/berth/v1/ports`: the ports of running dev containers; `follow=1`: as JSON lines, and what changes from then on. */
export function portRoutes(service: PortService): Route[] {
  const set = async (context: RequestContext, reply: Reply, wanted: boolean): Promise<void> => reply.json(200, await service.setForwarded(await context.json(portRefSchema), wanted));
  return [
    { method: 'GET', path: '/berth/v1/ports', handle: (context, reply) => list(service, context, reply) },
    { method: 'POST', path: '/berth/v1/ports/stop', handle: (context, reply) => set(context, reply, false) },
    { method: 'POST', path: '/berth/v1/ports/forward', handle: (context, reply) => set(context, reply, true) },
  ];
}

function list(service: PortService, { query, signal }: RequestContext, reply: Reply): void {
  const [containerId, folder] = [query.get('container'), query.get('folder')];
  const ports = service.list({ ...(containerId === null ? {} : { containerId }), ...(folder === null ? {} : { folder }) });
  if (query.get('follow') !== '1') {
    reply.json(200, ports);
    return;
  }
  const out = reply.stream(200, 'application/x-ndjson');
  const write = (event: PortEvent): void => void out.write(`${JSON.stringify(event)}\n`);
  for (const port of ports) write({ type: 'open', port });
  const listener = service.onChange((event) => {
    if ((containerId === null || event.port.containerId === containerId) && (folder === null || event.port.folder === folder)) write(event);
  });
  signal.addEventListener('abort', () => listener.dispose(), { once: true });
}
