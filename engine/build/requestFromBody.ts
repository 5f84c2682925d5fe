import type { BuildRequestBody } from '../api/berth/build.ts';
import { badRequest } from '../base/errors.ts';
import { formatPlatform, parsePlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import type { AttestRequest } from './attest/request.ts';
import { commandSettings } from './commandSettings.ts';
import type { NamedContextSources } from './context/namedContexts.ts';
import type { WiderRequest } from './planned.ts';
import type { BuildRequest } from './request.ts';

/** What `POST /berth/v1/build` is asked for, as the builder takes it. Throws BAD_REQUEST. */
export function requestFromBody({ context, dockerfile, dockerfileText, noCacheFilter, target, buildArgs, labels, tags, noCache, pull, network, secrets, sshAgents, allowInsecure, cacheFrom, cacheTo, annotations, keep, ...wider }: BuildRequestBody): BuildRequest {
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

type WiderBody = Pick<BuildRequestBody, 'platforms' | 'contexts' | 'attest' | 'debug' | 'allowDevices' | 'extraHosts' | 'shmSize' | 'ulimits'>;

function toWider({ platforms, contexts, attest, debug, allowDevices, ...written }: WiderBody): WiderRequest {
  return {
    ...(platforms === undefined ? {} : { platforms: platforms.map(platformOf) }),
    ...(contexts === undefined ? {} : { contexts: contexts as NamedContextSources }),
    ...(attest === undefined ? {} : { attest: attest as AttestRequest }),
    ...(debug === undefined ? {} : { debug }),
    ...(allowDevices === undefined ? {} : { allowDevices }),
    ...commandSettings(written),
  };
}

function platformOf(text: string): Platform {
  const platform = parsePlatform(text);
  if (!platform) throw badRequest({ what: 'platforms', detail: `"${text}" is not a platform such as linux/amd64` });
  return platform;
}
