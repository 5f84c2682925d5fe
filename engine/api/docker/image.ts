import { z } from 'zod';

/** What clients read of the `/images` resource. Sizes in bytes. */

const labels = z.record(z.string(), z.string()).nullish();

/** A row of an image's index, with `manifests=1`: of an image of several platforms, or one of which something is attested. */
export const manifestSummarySchema = z.looseObject({
  ID: z.string(),
  Descriptor: z.looseObject({ mediaType: z.string(), digest: z.string(), size: z.number() }),
  Available: z.boolean(),
  Size: z.looseObject({ Content: z.number(), Total: z.number() }),
  Kind: z.enum(['image', 'attestation', 'unknown']),
  ImageData: z.looseObject({ Platform: z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() }), Size: z.looseObject({ Unpacked: z.number() }), Id: z.string().optional() }).optional(),
  AttestationData: z.looseObject({ For: z.string() }).optional(),
});
export type ManifestSummary = z.infer<typeof manifestSummarySchema>;

/** An item of `GET /images/json`. `Created` in seconds since 1970. */
export const imageSummarySchema = z.looseObject({
  Id: z.string(),
  ParentId: z.string(),
  RepoTags: z.array(z.string()).nullable(),
  RepoDigests: z.array(z.string()).nullable(),
  Created: z.number(),
  Size: z.number(),
  SharedSize: z.number(),
  Labels: labels,
  /** Containers made of it; -1: not counted. */
  Containers: z.number(),
  Manifests: z.array(manifestSummarySchema).optional(),
});
export type ImageSummary = z.infer<typeof imageSummarySchema>;

/** `GET /images/{name}/json`. */
export const imageInspectSchema = z.looseObject({
  Id: z.string(),
  RepoTags: z.array(z.string()),
  RepoDigests: z.array(z.string()),
  Parent: z.string(),
  Comment: z.string(),
  Created: z.string().optional(),
  Author: z.string(),
  Config: z.looseObject({}).nullable(),
  Architecture: z.string(),
  Variant: z.string().optional(),
  Os: z.string(),
  Size: z.number(),
  GraphDriver: z.looseObject({ Name: z.string(), Data: z.record(z.string(), z.string()).nullable() }),
  RootFS: z.looseObject({ Type: z.string(), Layers: z.array(z.string()) }),
  Metadata: z.looseObject({ LastTagTime: z.string().optional() }),
  Manifests: z.array(manifestSummarySchema).optional(),
});
export type ImageInspect = z.infer<typeof imageInspectSchema>;

/** An item of `GET /images/{name}/history`, newest first. `Created` in seconds since 1970. */
export const imageHistoryItemSchema = z.looseObject({
  Id: z.string(),
  Created: z.number(),
  CreatedBy: z.string(),
  Tags: z.array(z.string()).nullable(),
  Size: z.number(),
  Comment: z.string(),
});
export type ImageHistoryItem = z.infer<typeof imageHistoryItemSchema>;

/** An item of the answer to `DELETE /images/{name}`: one of the two is there. */
export const imageDeleteItemSchema = z.looseObject({ Untagged: z.string().optional(), Deleted: z.string().optional() });
export type ImageDeleteItem = z.infer<typeof imageDeleteItemSchema>;

export const imagePruneSchema = z.looseObject({ ImagesDeleted: z.array(imageDeleteItemSchema).nullable(), SpaceReclaimed: z.number() });
export type ImagePruneResult = z.infer<typeof imagePruneSchema>;
