import { algorithmOf } from '../../../content/digest.ts';
import type { Digest } from '../../../content/digest.ts';
import { routeNotFound } from '../../../base/errors.ts';
import { uploadInvalid } from '../../../images/served/errors.ts';
import type { ServedRegistry } from '../../../images/served/servedRegistry.ts';
import type { Reply, RequestContext } from '../../route.ts';
import { algorithmNamed, digestOf } from './distributionDigest.ts';

/** `/v2/<name>/blobs/uploads/…`: monolithic, in chunks, or taken over from another repository. */
export async function answerUploads(registry: ServedRegistry, name: string, id: string, context: RequestContext, reply: Reply): Promise<void> {
  const { method } = context;
  if (id === '') {
    if (method !== 'POST') throw routeNotFound({ method, path: context.path });
    return begin(registry, name, context, reply);
  }
  if (method === 'PATCH') {
    await registry.uploads.append(id, bodyOf(context), startOf(context));
    return told(registry, name, id, 202, reply);
  }
  if (method === 'PUT') return finish(registry, name, id, context, reply);
  if (method === 'GET') return told(registry, name, id, 204, reply);
  if (method !== 'DELETE') throw routeNotFound({ method, path: context.path });
  await registry.uploads.cancel(id);
  reply.empty(204);
}

async function begin(registry: ServedRegistry, name: string, context: RequestContext, reply: Reply): Promise<void> {
  const mount = context.query.get('mount');
  if (mount !== null && (await registry.mount(name, digestOf(mount)))) return created(name, digestOf(mount), reply);
  const given = context.query.get('digest');
  const digest = given === null ? undefined : digestOf(given);
  const id = await registry.uploads.begin(algorithmNamed(context.query.get('digest-algorithm')) ?? (digest === undefined ? undefined : algorithmOf(digest)));
  if (digest === undefined) return told(registry, name, id, 202, reply);
  await registry.uploads.append(id, bodyOf(context), undefined);
  await registry.finishUpload(name, id, digest);
  created(name, digest, reply);
}

async function finish(registry: ServedRegistry, name: string, id: string, context: RequestContext, reply: Reply): Promise<void> {
  const digest = digestOf(context.query.get('digest') ?? '');
  await registry.uploads.append(id, bodyOf(context), startOf(context));
  await registry.finishUpload(name, id, digest);
  created(name, digest, reply);
}

function created(name: string, digest: Digest, reply: Reply): void {
  reply.header('Location', `/v2/${name}/blobs/${digest}`);
  reply.header('Docker-Content-Digest', digest);
  reply.empty(201);
}

/** How far an upload is, and where it goes on. */
async function told(registry: ServedRegistry, name: string, id: string, status: number, reply: Reply): Promise<void> {
  const size = await registry.uploads.size(id);
  reply.header('Location', `/v2/${name}/blobs/uploads/${id}`);
  reply.header('Docker-Upload-UUID', id);
  reply.header('Range', `0-${Math.max(0, size - 1)}`);
  reply.empty(status);
}

/** Where a chunk begins, by its `Content-Range`. */
function startOf({ headers }: RequestContext): number | undefined {
  const header = headers['content-range'];
  if (header === undefined) return undefined;
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/.*)?$/.exec(header);
  if (!match) throw uploadInvalid({ detail: `"${header}" is no range`, at: 0 });
  return Number(match[1]);
}

function bodyOf({ body }: RequestContext): AsyncIterable<Buffer> {
  return body as AsyncIterable<Buffer>;
}
