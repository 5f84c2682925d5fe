import { constants } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '../../base/platform.ts';
import { digestOf } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import { cacheInvalid, cacheMediaTypes } from '../../content/buildCache.ts';
import { indexSchema, manifestSchema } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import { chosenManifests, isIndex, readAny } from './indexCaches.ts';
import { parseDocument, parseInline } from './openedCache.ts';
import type { CacheContents } from './openedCache.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const MAX_DOCUMENT = 32 * 1024 * 1024;

/** The cache in a folder, an OCI layout; of an index there, inside its images for these platforms. `tag`: its name there, if there are several. Throws BUILD_CACHE_INVALID. */
export async function readFolderCache(folder: string, tag: string | undefined, platforms: readonly Platform[]): Promise<CacheContents[]> {
  const index = indexSchema.safeParse(JSON.parse((await file(folder, join(folder, 'index.json'))).toString('utf8')));
  const manifests = index.data?.manifests ?? [];
  const named = manifests.filter(({ annotations }) => annotations?.[REF_NAME] === (tag ?? 'latest'));
  const chosen = named[0] ?? (tag === undefined && manifests.length === 1 ? manifests[0] : undefined);
  if (!chosen) throw cacheInvalid({ cache: folder, detail: tag === undefined ? 'its index.json names no cache' : `its index.json names no ${tag}` });
  if (!isIndex(chosen)) return [await readOne(folder, chosen.digest)];
  return readAny(chosenManifests(folder, await blob(folder, chosen.digest), platforms), (digest) => readOne(folder, digest));
}

async function readOne(folder: string, digest: Digest): Promise<CacheContents> {
  const manifest = manifestSchema.safeParse(JSON.parse((await blob(folder, digest)).toString('utf8')));
  if (!manifest.success) throw cacheInvalid({ cache: folder, detail: 'what its index.json names is no manifest' });
  const { config, layers } = manifest.data;
  const bytes = await blob(folder, config.digest);
  const document = config.mediaType === cacheMediaTypes.config ? parseDocument(folder, bytes, layers.length) : parseInline(folder, bytes);
  if (document.layers.length !== layers.length) throw cacheInvalid({ cache: folder, detail: 'its image has other layers than its manifest' });
  return { name: folder, document, blobs: layers, open: (layer) => stream(folder, layer) };
}

function pathOf(folder: string, digest: Digest): string {
  return join(folder, 'blobs', digest.replace(':', '/'));
}

async function blob(folder: string, digest: Digest): Promise<Buffer> {
  const bytes = await file(folder, pathOf(folder, digest));
  if (digestOf(bytes) !== digest) throw cacheInvalid({ cache: folder, detail: `the blob ${digest} is damaged` });
  return bytes;
}

async function file(folder: string, path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile() || stats.size > MAX_DOCUMENT) throw new Error(`${path} is no file, or too long`);
    return await readFile(handle);
  } catch (error) {
    throw cacheInvalid({ cache: folder, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

/** The layer's digest is checked by whoever unpacks it. */
async function stream(folder: string, { digest }: Descriptor): Promise<ReadStream> {
  const handle = await open(pathOf(folder, digest), constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle.createReadStream({ highWaterMark: 1024 * 1024 });
  await handle.close();
  throw new Error(`the blob ${digest} is no file`);
}
