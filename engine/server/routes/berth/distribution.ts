import { pipeline } from 'node:stream/promises';
import type { Digest } from '../../../content/digest.ts';
import { asBerthError, routeNotFound } from '../../../base/errors.ts';
import { manifestTooLong, nameInvalid, rangeInvalid } from '../../../images/served/errors.ts';
import type { ServedRegistry } from '../../../images/served/servedRegistry.ts';
import type { Method, Reply, RequestContext, Route } from '../../route.ts';
import { digestOf } from './distributionDigest.ts';
import { answerUploads } from './distributionUploads.ts';

/** Where `berth registry serve` finds the API; what comes after is the specification's. */
const PREFIX = '/berth/v1/registry/v2';
/** Bytes. */
const LONGEST_MANIFEST = 4 * 1024 * 1024;
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** The OCI distribution API (1.1) over the local store. Errors have the specification's form. */
export function distributionRoutes(registry: ServedRegistry): Route[] {
  const methods: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
  return methods.flatMap((method) =>
    [PREFIX, `${PREFIX}/*`].map((path) => ({
      method,
      path,
      handle: async (context: RequestContext, reply: Reply) => {
        reply.header('Docker-Distribution-Api-Version', 'registry/2.0');
        await answer(registry, context, reply).catch((error: unknown) => refuse(error, context, reply));
      },
    })),
  );
}

function refuse(error: unknown, { method }: RequestContext, reply: Reply): void {
  const { code, status, message, params } = asBerthError(error);
  if (code === 'BLOB_UPLOAD_INVALID') reply.header('Range', `0-${Math.max(0, Number(params['at'] ?? 0) - 1)}`);
  if (method === 'HEAD') reply.stream(status, 'application/json').end();
  else reply.json(status, { errors: [{ code: status >= 500 ? 'UNKNOWN' : code, message, detail: params }] });
}

async function answer(registry: ServedRegistry, context: RequestContext, reply: Reply): Promise<void> {
  const rest = context.params['*'] ?? '';
  if (rest === '') return reply.json(200, {});
  if (rest === '_catalog') return page(registry.repositories, 'repositories', '_catalog', {}, context, reply);
  const match = /^(.+?)\/(?:(blobs\/uploads)(?:\/([^/]*))?|(blobs|manifests|referrers)\/([^/]+)|(tags)\/list)$/.exec(rest);
  const [, name = '', uploads, session = '', kind, reference = '', tags] = match ?? [];
  if (!match) throw routeNotFound({ method: context.method, path: context.path });
  if (!NAME.test(name) || name.length > 255) throw nameInvalid({ name });
  if (uploads !== undefined) return answerUploads(registry, name, session, context, reply);
  if (tags !== undefined) return page(registry.tags(name), 'tags', `${name}/tags/list`, { name }, context, reply);
  if (kind === 'blobs') return blob(registry, name, digestOf(reference), context, reply);
  if (kind === 'manifests') return manifest(registry, name, reference, context, reply);
  return referrers(registry, name, digestOf(reference), context, reply);
}

async function blob(registry: ServedRegistry, name: string, digest: Digest, context: RequestContext, reply: Reply): Promise<void> {
  if (context.method === 'DELETE') {
    await registry.deleteBlob(name, digest);
    return reply.empty(202);
  }
  mustBeRead(context);
  const { size, open } = await registry.blob(name, digest);
  const range = rangeOf(context.headers.range, size);
  reply.header('Docker-Content-Digest', digest);
  reply.header('Accept-Ranges', 'bytes');
  reply.header('Content-Length', String(range.end - range.start + 1));
  if (range.isPart) reply.header('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  const source = context.method === 'HEAD' ? undefined : await open(range.start, range.end);
  const out = reply.stream(range.isPart ? 206 : 200, 'application/octet-stream');
  if (!source) return void out.end();
  // The answer has begun: what fails now can only break it off.
  await pipeline(source, out).catch(() => void out.destroy());
}

async function manifest(registry: ServedRegistry, name: string, reference: string, context: RequestContext, reply: Reply): Promise<void> {
  if (reference.includes(':')) digestOf(reference);
  if (context.method === 'DELETE') {
    await registry.deleteManifest(name, reference);
    return reply.empty(202);
  }
  if (context.method === 'PUT') return putManifest(registry, name, reference, context, reply);
  mustBeRead(context);
  const { mediaType, digest, body } = await registry.manifest(name, reference);
  reply.header('Docker-Content-Digest', digest);
  reply.header('Content-Length', String(body.length));
  reply.stream(200, mediaType).end(context.method === 'HEAD' ? undefined : body);
}

/** By a digest with as many tags as the query names, or by a tag. */
async function putManifest(registry: ServedRegistry, name: string, reference: string, { query, headers, body, signal }: RequestContext, reply: Reply): Promise<void> {
  const as = reference.includes(':') ? { digest: digestOf(reference), tags: query.getAll('tag') } : { digest: undefined, tags: [reference] };
  const { digest, subject } = await registry.putManifest(name, as, headers['content-type'] ?? '', await whole(body), signal);
  reply.header('Location', `/v2/${name}/manifests/${digest}`);
  reply.header('Docker-Content-Digest', digest);
  if (subject !== undefined) reply.header('OCI-Subject', subject);
  if (as.digest !== undefined && as.tags.length > 0) reply.header('OCI-Tag', as.tags.join(', '));
  reply.empty(201);
}

function referrers(registry: ServedRegistry, name: string, digest: Digest, { query }: RequestContext, reply: Reply): void {
  const wanted = query.get('artifactType');
  const manifests = registry.referrers(name, digest).filter((one) => wanted === null || one.artifactType === wanted);
  if (wanted !== null) reply.header('OCI-Filters-Applied', 'artifactType');
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  reply.stream(200, mediaType).end(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
}

/** A list from after `last`, at most `n` of it, with the address of the next page. */
function page(all: readonly string[], key: string, path: string, extra: object, { query, ...context }: RequestContext, reply: Reply): void {
  mustBeRead(context);
  const last = query.get('last');
  const limit = query.has('n') ? Number(query.get('n')) : Number.POSITIVE_INFINITY;
  const after = last === null ? all : all.filter((one) => one > last);
  const shown = Number.isInteger(limit) && limit >= 0 ? after.slice(0, limit) : after;
  if (shown.length < after.length && shown.length > 0) reply.header('Link', `</v2/${path}?n=${limit}&last=${encodeURIComponent(shown.at(-1) ?? '')}>; rel="next"`);
  reply.json(200, { ...extra, [key]: shown });
}

function mustBeRead({ method, path }: Pick<RequestContext, 'method' | 'path'>): void {
  if (method !== 'GET' && method !== 'HEAD') throw routeNotFound({ method, path });
}

function rangeOf(header: string | undefined, size: number): { start: number; end: number; isPart: boolean } {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (!match || (first === '' && last === '')) return { start: 0, end: size - 1, isPart: false };
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end) throw rangeInvalid({ range: header ?? '', size });
  return { start, end, isPart: true };
}

async function whole(body: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_MANIFEST) throw manifestTooLong({ limit: LONGEST_MANIFEST });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
