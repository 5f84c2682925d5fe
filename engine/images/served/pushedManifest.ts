import { z } from 'zod';
import { digestSchema } from '../../content/digest.ts';
import type { Digest } from '../../content/digest.ts';
import { descriptorSchema, indexSchema, manifestSchema, mediaTypes } from '../../content/oci.ts';
import { digestInvalid, manifestInvalid } from './errors.ts';
import type { PushedManifest } from './repositories.ts';

const extraSchema = z.looseObject({ mediaType: z.string().optional(), artifactType: z.string().optional(), subject: descriptorSchema.optional(), annotations: z.record(z.string(), z.string()).optional() });

const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerIndex];
const manifestTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];

/** What a manifest is pushed as. */
export interface PushReference {
  readonly digest: Digest | undefined;
  readonly tags: readonly string[];
}

/** A manifest or an index that a client pushed, checked, and what must be here for it. `digest`: of the bytes. Throws MANIFEST_INVALID, DIGEST_INVALID. */
export function parsePushed(contentType: string, body: Buffer, digest: Digest, as: PushReference): { needs: readonly Digest[]; entry: PushedManifest } {
  if (as.digest !== undefined && as.digest !== digest) throw digestInvalid({ detail: `${as.digest} was said, ${digest} came` });
  for (const tag of as.tags) if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag)) throw manifestInvalid({ detail: `"${tag}" is no tag` });
  const { mediaType: said, artifactType, subject, annotations } = parse(extraSchema, body);
  const mediaType = contentType.split(';')[0]?.trim() || said || mediaTypes.ociManifest;
  if (said !== undefined && said !== mediaType) throw manifestInvalid({ detail: `it says that it is ${said}, the request says ${mediaType}` });
  const { needs, type } = needsOf(mediaType, body);
  return { needs, entry: { mediaType, size: body.length, needs: [...needs], ...(subject ? { subject: digestSchema.parse(subject.digest) } : {}), ...typeOf(artifactType ?? type), ...(annotations ? { annotations } : {}), pushed: Date.now() } };
}

function typeOf(artifactType: string | undefined): { artifactType?: string } {
  return artifactType === undefined ? {} : { artifactType };
}

/** Foreign layers are elsewhere by intent. */
function needsOf(mediaType: string, body: Buffer): { needs: Digest[]; type: string | undefined } {
  if (indexTypes.includes(mediaType)) return { needs: parse(indexSchema, body).manifests.map(({ digest }) => digest), type: undefined };
  if (!manifestTypes.includes(mediaType)) throw manifestInvalid({ detail: `manifests of type ${mediaType} are not supported` });
  const { config, layers } = parse(manifestSchema, body);
  return { needs: [config.digest, ...layers.filter(({ urls }) => (urls?.length ?? 0) === 0).map(({ digest }) => digest)], type: config.mediaType };
}

function parse<T>(schema: z.ZodType<T>, body: Buffer): T {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw manifestInvalid({ detail: 'it is not what the OCI image specification says' }, { cause: error });
  }
}
