import { z } from 'zod';

const annotationsSchema = z.record(z.string(), z.string());

/** The query of `GET /berth/v1/build/exports/:id`. */
export const exportQuerySchema = z.object({
  /** `tree`: the files; `docker`, `oci`: the image; `cache`: the steps. */
  as: z.enum(['tree', 'docker', 'oci', 'cache']),
  /** Names of the image. */
  names: z.array(z.string()).default([]),
  /** Of the files, without devices and rights that programs give. */
  plain: z.stringbool().default(false),
  /** Of the files, a folder for each platform; default: where there are several. */
  split: z.stringbool().optional(),
  /** Name of the cache in its folder. */
  tag: z.string().min(1).default('latest'),
  /** Annotations of the image's entry in index.json, as JSON. */
  descriptor: z.string().transform((text) => annotationsSchema.parse(JSON.parse(text))).default({}),
});
