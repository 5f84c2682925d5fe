import type { Writable } from 'node:stream';
import { buildRequestSchema } from '../../../api/berth/build.ts';
import type { BuildEvent, BuildRequestBody } from '../../../api/berth/build.ts';
import { asBerthError, badRequest } from '../../../base/errors.ts';
import { formatPlatform, parsePlatform } from '../../../base/platform.ts';
import type { Platform } from '../../../base/platform.ts';
import type { AttestRequest } from '../../../build/attest/request.ts';
import type { WiderRequest } from '../../../build/planned.ts';
import type { NamedContextSources } from '../../../build/context/namedContexts.ts';
import type { BerthError } from '../../../base/errors.ts';
import type { BuildService } from '../../../build/buildService.ts';
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
    const request = { ...toRequest(body), ...(auths ? { auths } : {}) };
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

function toRequest({ context, dockerfile, dockerfileText, noCacheFilter, target, buildArgs, labels, tags, noCache, pull, network, secrets, sshAgents, allowInsecure, cacheFrom, cacheTo, annotations, keep, ...wider }: BuildRequestBody): BuildRequest {
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
    ...(cacheFrom === undefined ? {} : { cacheFrom: cacheFrom.map((source) => (source.type === 'local' ? { type: source.type, folder: source.folder, ...(source.tag === undefined ? {} : { tag: source.tag }) } : source)) }),
    ...(cacheTo === undefined ? {} : { cacheTo }),
    ...(annotations === undefined ? {} : { annotations: { ...annotations, platforms: Object.fromEntries(Object.entries(annotations.platforms ?? {}).map(([platform, own]) => [formatPlatform(platformOf(platform)), own])) } }),
    ...(keep === undefined ? {} : { keep }),
    ...toWider(wider),
  };
}

function toWider({ platforms, contexts, attest, debug, allowDevices }: Pick<BuildRequestBody, 'platforms' | 'contexts' | 'attest' | 'debug' | 'allowDevices'>): WiderRequest {
  return {
    ...(platforms === undefined ? {} : { platforms: platforms.map(platformOf) }),
    ...(contexts === undefined ? {} : { contexts: contexts as NamedContextSources }),
    ...(attest === undefined ? {} : { attest: attest as AttestRequest }),
    ...(debug === undefined ? {} : { debug }),
    ...(allowDevices === undefined ? {} : { allowDevices }),
  };
}

function platformOf(text: string): Platform {
  const platform = parsePlatform(text);
  if (!platform) throw badRequest({ what: 'platforms', detail: `"${text}" is not a platform such as linux/amd64` });
  return platform;
}

function describe(error: BerthError): Extract<BuildEvent, { type: 'error' }>['error'] {
  const params = Object.fromEntries(Object.entries(error.params).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  return { message: error.message, code: error.code, params };
}
