import type { Writable } from 'node:stream';
import { buildRequestSchema } from '../../../api/berth/build.ts';
import type { BuildEvent } from '../../../api/berth/build.ts';
import { asBerthError } from '../../../base/errors.ts';
import type { BerthError } from '../../../base/errors.ts';
import type { BuildService } from '../../../build/buildService.ts';
import { requestFromBody } from '../../../build/requestFromBody.ts';
import type { BuildContext, BuildRequest } from '../../../build/request.ts';
import { parseRegistryConfig } from '../../../registry/auth.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';

/** `POST /berth/v1/build`: builds a folder of this host; the answer is one event a line, the last `result` or `error`. */
export function berthBuildRoutes(builds: Pick<BuildService, 'build' | 'check'>): Route[] {
  return [{ method: 'POST', path: '/berth/v1/build', handle: (context, reply) => build(builds, context, reply) }];
}

async function build(builds: Pick<BuildService, 'build' | 'check'>, context: RequestContext, reply: Reply): Promise<void> {
  const body = await context.json(buildRequestSchema);
  const auths = parseRegistryConfig(context.headers['x-registry-config']);
  let out: Writable | undefined;
  const send = (event: BuildEvent): void => {
    if (event.type === 'failure' && !out) return; // the error alone, with its status
    out ??= reply.stream(200, 'application/x-ndjson');
    if (!out.destroyed) out.write(`${JSON.stringify(event)}\n`);
  };
  try {
    const ctx = { signal: context.signal, report: () => undefined, onEvent: send };
    const request = { ...requestFromBody(body), ...(auths ? { auths } : {}) };
    if (body.checkOnly === true) send({ type: 'checked', warnings: await builds.check(request, ctx) });
    else send(await result(builds, request, ctx));
  } catch (error) {
    // Before the first event an error still has a status of its own.
    if (!out) throw error;
    send({ type: 'error', error: describe(asBerthError(error)) });
  }
  out?.end();
}

async function result(builds: Pick<BuildService, 'build'>, request: BuildRequest, ctx: BuildContext): Promise<BuildEvent> {
  const { imageId, indexDigest, exportId } = await builds.build(request, ctx);
  return { type: 'result', imageId, ...(indexDigest === undefined ? {} : { indexDigest }), ...(exportId === undefined ? {} : { exportId }) };
}

function describe(error: BerthError): Extract<BuildEvent, { type: 'error' }>['error'] {
  const params = Object.fromEntries(Object.entries(error.params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  return { message: error.message, code: error.code, params };
}
