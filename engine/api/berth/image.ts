import { z } from 'zod';

/**
 * The body of `POST /berth/v1/images/bootstrap`: makes a base image from a distribution's packages. The answer's lines are
 * progress (docker/imageProgress.ts); the last one is `{"id":"sha256:…"}` or `{"error":{"message","code","params"}}`.
 */
export const bootstrapRequestSchema = z.strictObject({
  /** `debian:bookworm`. */
  image: z.string().min(1),
});

/**
 * `POST /berth/v1/images/layers`: which of these layers are here, by the digests of their uncompressed tars. The answer has the same shape. With it
 * `GET /berth/v1/images/archive?name=…&without=…` of another engine gives what is missing; `POST /images/load` takes that.
 */
export const layerListSchema = z.strictObject({ layers: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)).max(10_000) });

/** An image of an index, and what is attested of it: an item of `GET /berth/v1/images/attestations?name=…&platform=…`. */
export const attestedImageSchema = z.object({
  /** Of its manifest. */
  digest: z.string(),
  platform: z.string(),
  statements: z.array(z.object({ predicateType: z.string(), predicate: z.unknown() })),
});
export type AttestedImage = z.infer<typeof attestedImageSchema>;

const sizedPath = z.object({ path: z.string(), size: z.number() });
const installed = z.object({ name: z.string(), version: z.string() });

/** `GET /berth/v1/images/diff?from=…&to=…`. Sizes in bytes. */
export const imageDiffSchema = z.object({
  added: z.array(sizedPath),
  removed: z.array(sizedPath),
  /** `what`: type, mode, owner, target, device, content. */
  changed: z.array(z.object({ path: z.string(), what: z.array(z.string()) })),
  packages: z.object({ added: z.array(installed), removed: z.array(installed), changed: z.array(z.object({ name: z.string(), from: z.string(), to: z.string() })) }),
});
export type ImageDiff = z.infer<typeof imageDiffSchema>;
