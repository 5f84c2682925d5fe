import { z } from 'zod';
import { isGitAddress, isHttpAddress } from '../../../api/berth/remoteAddress.ts';
import { ulimitSchema } from '../../../api/docker/container.ts';
import { badRequest, invalidJson, notImplemented } from '../../../base/errors.ts';
import { fitsPlatform, hostPlatform, parsePlatform } from '../../../base/platform.ts';
import type { Platform } from '../../../base/platform.ts';
import { commandSettings } from '../../../build/commandSettings.ts';
import type { ContextSource } from '../../../build/context/openContext.ts';
import type { BuildRequest } from '../../../build/request.ts';
import { parseRegistryConfig } from '../../../registry/auth.ts';
import type { PruneOptions } from '../../../build/cache/prune.ts';

/** What the query of `POST /build` says. */
export type BuildQuery = Omit<BuildRequest, 'context'> & { readonly tags: readonly string[]; readonly quiet: boolean; /** Absent: the request's body. */ readonly context?: ContextSource };

/** Parameters that would change the result and that are not supported, with the values that mean "not used". */
const UNSUPPORTED = ['squash', 'memory', 'memswap', 'cpushares', 'cpusetcpus', 'cpusetmems', 'cpuperiod', 'cpuquota', 'cgroupparent', 'isolation', 'securityopt', 'outputs'];
const UNUSED = new Set(['', '0', 'false', 'null', '[]', '{}', 'default']);

const argumentsSchema = z.record(z.string(), z.string().nullable()).nullable();
const labelsSchema = z.record(z.string(), z.string()).nullable();

export function parseBuildQuery(query: URLSearchParams, registryConfig: string | string[] | undefined): BuildQuery {
  checkSupported(query);
  const target = query.get('target') ?? '';
  const dockerfile = query.get('dockerfile') ?? '';
  const buildArgs = json(query, 'buildargs', argumentsSchema) ?? {};
  const auths = parseRegistryConfig(registryConfig);
  return {
    tags: query.getAll('t').filter((tag) => tag !== ''),
    quiet: isTrue(query.get('q')),
    ...remote(query.get('remote') ?? ''),
    noCache: isTrue(query.get('nocache')),
    pull: isTrue(query.get('pull')),
    // A null asks for the client's own environment, which an engine does not have.
    buildArgs: Object.fromEntries(Object.entries(buildArgs).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
    labels: json(query, 'labels', labelsSchema) ?? {},
    network: network(query.get('networkmode') ?? ''),
    ...(target === '' ? {} : { target }),
    ...(dockerfile === '' ? {} : { dockerfile: dockerfile.replace(/^\/+/, '') }),
    ...(auths ? { auths } : {}),
    ...platform(query.get('platform') ?? ''),
    ...commandSettings({ extraHosts: query.getAll('extrahosts').filter((host) => host !== ''), shmSize: Number(query.get('shmsize') ?? 0) || 0, ulimits: json(query, 'ulimits', z.array(ulimitSchema).nullable()) ?? [] }),
    cacheFrom: (json(query, 'cachefrom', z.array(z.string()).nullable()) ?? []).map((ref) => ({ type: 'image', ref })),
  };
}

/** A context that is fetched. What begins with `github.com/` is a repository there, as Docker has it. */
function remote(text: string): { context?: ContextSource } {
  if (text === '') return {};
  const [, project, rest = ''] = /^github\.com\/([^?#]+?)(?:\.git)?([?#].*)?$/.exec(text) ?? [];
  const url = project === undefined ? text : `https://github.com/${project}.git${rest}`;
  if (isGitAddress(url)) return { context: { kind: 'git', url } };
  if (isHttpAddress(url)) return { context: { kind: 'http', url } };
  throw badRequest({ what: 'remote', detail: `"${text}" is neither the address of a Git repository nor that of an archive or a Dockerfile` });
}

/** The classic protocol knows one platform, and an image of one. */
function platform(text: string): { platforms?: Platform[] } {
  if (text === '') return {};
  const wanted = parsePlatform(text);
  if (!wanted) throw badRequest({ what: 'platform', detail: `"${text}" is not a platform such as linux/amd64` });
  return fitsPlatform(wanted, hostPlatform()) ? {} : { platforms: [wanted] };
}

/** `POST /build/prune`: `keep-storage` (bytes), `filters={"until":["24h"]}`. */
export function parsePruneQuery(query: URLSearchParams, now: number): PruneOptions {
  const keep = query.get('keep-storage') ?? query.get('reserved-space') ?? '';
  const filters = json(query, 'filters', z.record(z.string(), z.union([z.array(z.string()), z.record(z.string(), z.boolean())])).nullable()) ?? {};
  const until = filters['until'];
  const [age] = until === undefined ? [] : Array.isArray(until) ? until : Object.keys(until);
  return {
    ...(/^\d+$/.test(keep) && keep !== '0' ? { keepBytes: Number(keep) } : {}),
    ...(age === undefined ? {} : { unusedSince: timeOf(age, now) }),
  };
}

function timeOf(text: string, now: number): number {
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
  if (/^(\d+(\.\d+)?[smh])+$/.test(text)) return now - [...text.matchAll(/(\d+(?:\.\d+)?)([smh])/g)].reduce((sum, match) => sum + Number(match[1]) * (units[match[2] ?? ''] ?? 0), 0);
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(time)) throw badRequest({ what: 'filters', detail: `until=${text} is neither a duration nor a time` });
  return time;
}

function checkSupported(query: URLSearchParams): void {
  if (query.get('version') === '2') throw notImplemented({ what: "BuildKit's session protocol (set DOCKER_BUILDKIT=0)" });
  for (const name of UNSUPPORTED) {
    const value = query.get(name);
    if (value !== null && !UNUSED.has(value)) throw notImplemented({ what: `The build option ${name}=${value}` });
  }
}

function network(mode: string): 'default' | 'none' | 'host' {
  if (mode === '' || mode === 'default' || mode === 'bridge') return 'default';
  if (mode === 'none' || mode === 'host') return mode;
  throw notImplemented({ what: `The build network ${mode}` });
}

function json<T>(query: URLSearchParams, name: string, schema: z.ZodType<T>): T | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  return parse(text, name, schema);
}

function parse<T>(text: string, name: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidJson({ where: name, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badRequest({ what: name, detail: z.prettifyError(parsed.error) });
  return parsed.data;
}

function isTrue(value: string | null): boolean {
  return value !== null && !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
}
