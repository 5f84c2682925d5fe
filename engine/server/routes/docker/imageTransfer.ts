import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDigest } from '../../../content/digest.ts';
import { badRequest, notImplemented } from '../../../base/errors.ts';
import { parsePlatform } from '../../../base/platform.ts';
import type { Platform } from '../../../base/platform.ts';
import type { Descriptor } from '../../../content/oci.ts';
import { indexSchema } from '../../../content/oci.ts';
import type { ImageArchives } from '../../../images/imageArchives.ts';
import type { ImageRecord } from '../../../images/imageRecord.ts';
import type { ImageService } from '../../../images/imageService.ts';
import type { RemoteImages } from '../../../images/remoteImages.ts';
import { parseRegistryAuth } from '../../../registry/auth.ts';
import { familiarTag, parseReference } from '../../../registry/reference.ts';
import type { Reply, RequestContext } from '../../route.ts';
import { JsonProgress } from './jsonProgress.ts';

/** `POST /images/create`: a pull (`fromImage`) or an import (`fromSrc=-`, the tar in the body). */
export async function createImage(images: ImageService, archives: ImageArchives, context: RequestContext, reply: Reply): Promise<void> {
  const { query } = context;
  const platform = readPlatform(query.get('platform'));
  if (query.has('fromImage')) return pull(images, context, platform, reply);
  if (!query.has('fromSrc')) throw badRequest({ what: 'images/create', detail: 'give fromImage or fromSrc' });
  if (query.get('fromSrc') !== '-') throw notImplemented({ what: 'Importing from a URL (download it and import the file)' });
  const options = { repo: query.get('repo') ?? '', tag: query.get('tag') ?? '', changes: query.getAll('changes'), ...(query.has('message') ? { message: query.get('message') ?? '' } : {}), ...(platform ? { platform } : {}) };
  const progress = new JsonProgress(reply);
  await progress.during(context.signal, async (ctx) => {
    const image = await archives.import(bodyStream(context), options, ctx);
    progress.line({ status: image.id });
  });
}

async function pull(images: ImageService, { query, headers, signal }: RequestContext, platform: Platform | undefined, reply: Reply): Promise<void> {
  const name = query.get('fromImage') ?? '';
  const tag = query.get('tag') ?? '';
  const reference = parseReference(tag === '' ? name : isDigest(tag) ? `${name}@${tag}` : `${name}:${tag}`);
  const shown = familiarTag(reference);
  const credentials = parseRegistryAuth(headers['x-registry-auth']?.toString());
  const before = known(images, shown)?.id;
  const progress = new JsonProgress(reply);
  await progress.during(signal, async (ctx) => {
    const image = await images.pull(shown, { ...(platform ? { platform } : {}), ...(credentials ? { credentials } : {}) }, ctx);
    progress.line({ status: image.id === before ? `Status: Image is up to date for ${shown}` : `Status: Downloaded newer image for ${shown}` });
  });
}

function known(images: ImageService, ref: string): ImageRecord | undefined {
  return images.has(ref) ? images.resolve(ref) : undefined;
}

/** `POST /images/load`: an archive of images in the body. Reports only what it loaded, unless `quiet` is turned off. */
export async function loadImages(images: ImageService, context: RequestContext, reply: Reply): Promise<void> {
  const progress = new JsonProgress(reply);
  const quiet = !/^(0|false)$/i.test(context.query.get('quiet') ?? '');
  await progress.during(context.signal, async (ctx) => {
    for (const image of await images.loadArchive(bodyStream(context), quiet ? { ...ctx, report: () => undefined } : ctx)) {
      const lines = image.givenTags.length === 0 ? [`Loaded image ID: ${image.id}`] : image.givenTags.map((tag) => `Loaded image: ${tag}`);
      for (const line of lines) progress.line({ stream: `${line}\n` });
    }
  });
}

/** Images as an archive. */
export async function sendArchive(archives: ImageArchives, names: readonly string[], reply: Reply): Promise<void> {
  const wanted = names.filter((name) => name !== '');
  if (wanted.length === 0) throw badRequest({ what: 'names', detail: 'name the images to save' });
  const stream = await archives.save(wanted);
  await pipeline(stream, reply.stream(200, 'application/x-tar'));
}

/** `GET /distribution/{name}/json`: what a registry says about an image that need not be here. */
export async function describeRemote(remote: RemoteImages, name: string, { headers, signal }: RequestContext, reply: Reply): Promise<void> {
  const { mediaType, digest, body } = await remote.manifest(name, parseRegistryAuth(headers['x-registry-auth']?.toString()), signal);
  const index = indexSchema.safeParse(JSON.parse(body.toString('utf8')));
  const platforms = index.success ? index.data.manifests.flatMap(({ platform }: Descriptor) => (platform ? [platform] : [])) : [];
  reply.json(200, { Descriptor: { mediaType, digest, size: body.length }, Platforms: platforms });
}

/** `linux/arm64/v8`, `amd64`. Throws BAD_REQUEST. */
export function readPlatform(text: string | null): Platform | undefined {
  if (text === null || text === '') return undefined;
  const platform = parsePlatform(text);
  if (!platform) throw badRequest({ what: 'platform', detail: `"${text}" is not a platform such as linux/amd64` });
  return platform;
}

/** The body as a stream that may be given up early: the rest is then read and thrown away, so that the client is there to hear why. */
function bodyStream({ body }: Pick<RequestContext, 'body'>): Readable {
  const whole = body instanceof Readable ? body : new Readable().wrap(body);
  return Readable.from(chunksOf(whole), { objectMode: false, highWaterMark: 1024 * 1024 });
}

async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } finally {
    body.resume();
  }
}
