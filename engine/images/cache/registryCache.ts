import type { z } from 'zod';
import { cacheInvalid, cacheMediaTypes } from '../../content/buildCache.ts';
import { indexSchema, manifestSchema, mediaTypes } from '../../content/oci.ts';
import type { Descriptor } from '../../content/oci.ts';
import type { Credentials } from '../../registry/auth.ts';
import { familiarTag } from '../../registry/reference.ts';
import type { Reference } from '../../registry/reference.ts';
import type { Registries } from '../../registry/registries.ts';
import type { RegistryClient } from '../../registry/registryClient.ts';
import { hostPlatform } from '../../base/platform.ts';
import { choosePlatform } from '../platform.ts';
import { parseDocument, parseInline } from './openedCache.ts';
import type { CacheContents } from './openedCache.ts';

/** Bytes of a document at most. */
const MAX_DOCUMENT = 32 * 1024 * 1024;

/** The cache under a name in a registry, or inside the image that has the name. Throws REGISTRY_*, BUILD_CACHE_INVALID. */
export async function readRegistryCache(registries: Registries, reference: Reference, credentials: Credentials | undefined, signal: AbortSignal): Promise<CacheContents> {
  const client = registries.client(reference, credentials);
  try {
    const name = familiarTag(reference);
    const { config, layers } = await manifestOf(client, reference, signal);
    const bytes = await document(client, config, name, signal);
    const isCache = config.mediaType === cacheMediaTypes.config;
    const parsed = isCache ? parseDocument(name, bytes, layers.length) : parseInline(name, bytes);
    if (parsed.layers.length !== layers.length) throw cacheInvalid({ cache: name, detail: `the image has ${parsed.layers.length} layers, and its manifest ${layers.length}` });
    return { name, document: parsed, blobs: layers, open: (blob, while_) => client.blob(blob, while_), close: () => client[Symbol.dispose]() };
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

async function manifestOf(client: RegistryClient, reference: Reference, signal: AbortSignal): Promise<z.infer<typeof manifestSchema>> {
  const name = familiarTag(reference);
  let top = await client.manifest(reference.digest ?? reference.tag ?? 'latest', signal);
  try {
    if (top.mediaType === mediaTypes.ociIndex || top.mediaType === mediaTypes.dockerIndex) {
      top = await client.manifest(choosePlatform(indexSchema.parse(JSON.parse(top.body.toString('utf8'))).manifests, hostPlatform(), name).digest, signal);
    }
    return manifestSchema.parse(JSON.parse(top.body.toString('utf8')));
  } catch (error) {
    signal.throwIfAborted();
    throw cacheInvalid({ cache: name, detail: error instanceof SyntaxError ? 'its manifest is not JSON' : 'it has no manifest of a cache or an image of this platform' }, { cause: error });
  }
}

async function document(client: RegistryClient, config: Descriptor, name: string, signal: AbortSignal): Promise<Buffer> {
  if (config.size > MAX_DOCUMENT) throw cacheInvalid({ cache: name, detail: `its description is ${config.size} bytes long` });
  const chunks: Buffer[] = [];
  for await (const chunk of await client.blob(config, signal)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
