import type { Platform } from '../../base/platform.ts';
import { cacheInvalid, cacheMediaTypes } from '../../content/buildCache.ts';
import { manifestSchema } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import type { Credentials } from '../../registry/auth.ts';
import { familiarTag } from '../../registry/reference.ts';
import type { Reference } from '../../registry/reference.ts';
import type { Registries } from '../../registry/registries.ts';
import type { RegistryClient } from '../../registry/registryClient.ts';
import { chosenManifests, isIndex, readAny } from './indexCaches.ts';
import { parseDocument, parseInline } from './openedCache.ts';
import type { CacheContents } from './openedCache.ts';

/** Bytes of a document at most. */
const MAX_DOCUMENT = 32 * 1024 * 1024;

/** The cache under a name in a registry, or inside the image that has the name; of an index, inside its images for these platforms. Throws REGISTRY_*, BUILD_CACHE_INVALID. */
export async function readRegistryCache(registries: Registries, reference: Reference, platforms: readonly Platform[], credentials: Credentials | undefined, signal: AbortSignal): Promise<CacheContents[]> {
  const client = registries.client(reference, credentials);
  try {
    const found = await readAll(client, reference, platforms, signal);
    let open = found.length;
    const close = (): void => {
      open--;
      if (open === 0) client[Symbol.dispose]();
    };
    return found.map((contents) => ({ ...contents, close }));
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

async function readAll(client: RegistryClient, reference: Reference, platforms: readonly Platform[], signal: AbortSignal): Promise<CacheContents[]> {
  const name = familiarTag(reference);
  const top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
  if (!isIndex(top)) return [await readOne(client, name, top.body, signal)];
  const digests = parsed(name, () => chosenManifests(name, top.body, platforms));
  return readAny(digests, async (digest) => readOne(client, name, (await client.manifest(digest, signal)).body, signal));
}

async function readOne(client: RegistryClient, name: string, manifest: Buffer, signal: AbortSignal): Promise<CacheContents> {
  const { config, layers } = parsed(name, () => manifestSchema.parse(JSON.parse(manifest.toString('utf8'))));
  const bytes = await document(client, config, name, signal);
  const isCache = config.mediaType === cacheMediaTypes.config;
  const found = isCache ? parseDocument(name, bytes, layers.length) : parseInline(name, bytes);
  if (found.layers.length !== layers.length) throw cacheInvalid({ cache: name, detail: `the image has ${found.layers.length} layers, and its manifest ${layers.length}` });
  return { name, document: found, blobs: layers, open: (blob, while_) => client.blob(blob, while_) };
}

function parsed<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (cacheInvalid.is(error)) throw error;
    throw cacheInvalid({ cache: name, detail: error instanceof SyntaxError ? 'its manifest is not JSON' : 'it has no manifest of a cache or an image' }, { cause: error });
  }
}

async function document(client: RegistryClient, config: Descriptor, name: string, signal: AbortSignal): Promise<Buffer> {
  if (config.size > MAX_DOCUMENT) throw cacheInvalid({ cache: name, detail: `its description is ${config.size} bytes long` });
  const chunks: Buffer[] = [];
  for await (const chunk of await client.blob(config, signal)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
