import { shareRequestSchema, sshAuthorizeSchema, sshConnectSchema } from '../../../api/berth/ssh.ts';
import { upgradeRequired } from '../../../endpoint/errors.ts';
import type { EndpointService } from '../../../endpoint/endpointService.ts';
import type { ConnectionTarget } from '../../../endpoint/target.ts';
import type { SshConnect } from '../../../api/berth/ssh.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** SSH into containers: what there is, who may log in, and the connections. */
export function sshRoutes(endpoint: EndpointService): Route[] {
  const idOf = (context: RequestContext): string => context.params['id'] ?? '';
  return [
    { method: 'GET', path: '/berth/v1/ssh/targets', handle: async (_context, reply) => reply.json(200, await endpoint.targets()) },
    { method: 'POST', path: '/berth/v1/ssh/authorize', handle: async (context, reply) => reply.json(200, await endpoint.authorize(await context.json(sshAuthorizeSchema))) },
    { method: 'POST', path: '/berth/v1/ssh/client/:id', handle: async (context, reply) => endpoint.links.serve(idOf(context), await rawStream(context, reply)) },
    { method: 'POST', path: '/berth/v1/ssh/client/:id/share', handle: async (context, reply) => reply.json(200, { env: await endpoint.share(idOf(context), await context.json(shareRequestSchema)) }) },
    { method: 'POST', path: '/berth/v1/devcontainers/:id/ssh', handle: (context, reply) => connect(endpoint, context, reply, (request) => endpoint.devContainer(idOf(context), request, context.signal)) },
    { method: 'POST', path: '/berth/v1/containers/:id/ssh', handle: (context, reply) => connect(endpoint, context, reply, () => endpoint.container(idOf(context))) },
  ];
}

/** What is wrong is said before the connection is taken over: as an ordinary answer, with its status. */
async function connect(endpoint: EndpointService, context: RequestContext, reply: Reply, find: (request: SshConnect) => Promise<ConnectionTarget>): Promise<void> {
  const request = await context.json(sshConnectSchema);
  const target = await find(request);
  await endpoint.serve(target, request, await rawStream(context, reply));
}

async function rawStream(context: RequestContext, reply: Reply): ReturnType<Reply['hijack']> {
  if (context.headers.upgrade === undefined) throw upgradeRequired({ path: context.path });
  return reply.hijack('application/vnd.berth.ssh');
}
