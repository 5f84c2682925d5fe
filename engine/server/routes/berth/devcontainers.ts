import type { Writable } from 'node:stream';
import { devContainerRefSchema, execSpecRequestSchema, stopRequestSchema, upRequestSchema } from '../../../api/berth/devcontainer.ts';
import type { UpEvent } from '../../../api/berth/devcontainer.ts';
import type { DevContainerService } from '../../../devcontainers/devContainerService.ts';
import { parseRegistryConfig } from '../../../registry/auth.ts';
import { failedResult } from './devContainerEvents.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `/berth/v1/devcontainers`: list, `up` (streams JSON lines, the last one the result), `exec-spec`, `stop`, `down`. */
export function devContainerRoutes(service: DevContainerService): Route[] {
  const at = (path: string): string => `/berth/v1/devcontainers${path}`;
  return [
    { method: 'GET', path: at(''), handle: (_context, reply) => reply.json(200, service.list()) },
    { method: 'POST', path: at('/up'), handle: (context, reply) => up(service, context, reply) },
    { method: 'POST', path: at('/exec-spec'), handle: async (context, reply) => reply.json(200, await service.execSpec(await context.json(execSpecRequestSchema), context.signal)) },
    {
      method: 'POST',
      path: at('/stop'),
      handle: async (context, reply) => {
        const { timeout, ...ref } = await context.json(stopRequestSchema);
        reply.json(200, await service.stop(ref, timeout));
      },
    },
    { method: 'POST', path: at('/down'), handle: async (context, reply) => reply.json(200, await service.down(await context.json(devContainerRefSchema))) },
  ];
}

/** Errors, too, are the last line of the stream: by then the answer has long begun. */
async function up(service: DevContainerService, context: RequestContext, reply: Reply): Promise<void> {
  const request = await context.json(upRequestSchema);
  const auths = parseRegistryConfig(context.headers['x-registry-config']);
  const out = reply.stream(200, 'application/x-ndjson');
  const send = (event: UpEvent): void => writeLine(out, event);
  let containerId: string | undefined;
  try {
    const outcome = await service.up(request, { signal: context.signal, ...(auths ? { auths } : {}), tell: send, onContainer: (id) => (containerId = id) });
    send({ type: 'result', outcome: 'success', ...outcome });
  } catch (error) {
    send({ ...failedResult(error, 'The dev container could not be set up.'), ...(containerId === undefined ? {} : { containerId }) });
  }
  out.end();
}

function writeLine(out: Writable, event: UpEvent): void {
  if (!out.destroyed) out.write(`${JSON.stringify(event)}\n`);
}
