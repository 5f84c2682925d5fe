import type { Writable } from 'node:stream';
import { buildRequestSchema } from '../../../api/berth/build.ts';
import type { BuildEvent, BuildRequestBody } from '../../../api/berth/build.ts';
import { asBerthError } from '../../../base/errors.ts';
import type { BerthError } from '../../../base/errors.ts';
import type { BuildRequest, BuildService } from '../../../build/buildService.ts';
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
    out ??= reply.stream(200, 'application/x-ndjson');
    if (!out.destroyed) out.write(`${JSON.stringify(event)}\n`);
  };
  try {
    const ctx = { signal: context.signal, report: () => undefined, onEvent: send };
    const request = { ...toRequest(body), ...(auths ? { auths } : {}) };
    if (body.checkOnly === true) send({ type: 'checked', warnings: await builds.check(request, ctx) });
    else send({ type: 'result', imageId: (await builds.build(request, ctx)).imageId });
  } catch (error) {
    // Before the first event an error still has a status of its own.
    if (!out) throw error;
    send({ type: 'error', error: describe(asBerthError(error)) });
  }
  out?.end();
}

function toRequest({ context, dockerfile, dockerfileText, noCacheFilter, target, buildArgs, labels, tags, noCache, pull, network, secrets, sshAgents, allowInsecure }: BuildRequestBody): BuildRequest {
  return {
    context,
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(dockerfileText === undefined ? {} : { dockerfileText }),
    ...(noCacheFilter === undefined ? {} : { noCacheFilter }),
    ...(target === undefined ? {} : { target }),
    ...(buildArgs === undefined ? {} : { buildArgs }),
    ...(labels === undefined ? {} : { labels }),
    ...(tags === undefined ? {} : { tags }),
    ...(noCache === undefined ? {} : { noCache }),
    ...(pull === undefined ? {} : { pull }),
    ...(network === undefined ? {} : { network }),
    ...(secrets === undefined ? {} : { secrets: Object.fromEntries(Object.entries(secrets).map(([id, text]) => [id, Buffer.from(text, 'base64')])) }),
    ...(sshAgents === undefined ? {} : { sshAgents }),
    ...(allowInsecure === undefined ? {} : { allowInsecure }),
  };
}

function describe(error: BerthError): Extract<BuildEvent, { type: 'error' }>['error'] {
  const params = Object.fromEntries(Object.entries(error.params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  return { message: error.message, code: error.code, params };
}
