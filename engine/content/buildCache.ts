import { z } from 'zod';
import { digestSchema } from './digest.ts';
import type { Digest } from './digest.ts';
import { defineError } from '../base/errors.ts';

/** What a build cache is called in a registry or in an OCI layout: an OCI manifest whose configuration is the document below, and whose layers are those of images. */
export const cacheMediaTypes = {
  artifact: 'application/vnd.berth.buildcache.v1',
  config: 'application/vnd.berth.buildcache.config.v1+json',
} as const;

/** The field of an image's configuration that holds the records of an inline cache; its layers are the image's. */
export const INLINE_CACHE = 'dev.berth.buildcache';

const keySchema = z.string().regex(/^[0-9a-f]{64}$/);

const recordSchema = z.object({
  /** Digests of an instruction and of all that goes into it, the same on every machine. The first is the one that what comes behind builds on. */
  keys: z.tuple([keySchema], keySchema).refine((keys) => keys.length <= 4),
  /** The layers on top of the base image that the step's file system consists of, base first: indices into `layers` of the document. */
  layers: z.array(z.number().int().nonnegative()),
  /** Whether the last of them is the step's own; else it had nothing to change. */
  made: z.boolean(),
  created: z.iso.datetime(),
});

/** What a step made, for whoever asks for the same. */
export type CacheRecord = z.infer<typeof recordSchema>;

const recordsSchema = z.array(recordSchema).max(100_000);

export const inlineCacheSchema = z.object({ version: z.literal(1), records: recordsSchema });
export type InlineCache = z.infer<typeof inlineCacheSchema>;

export const cacheDocumentSchema = z
  .object({
    version: z.literal(1),
    /** DiffIDs, in the order of the manifest's layers. */
    layers: z.array(digestSchema),
    records: recordsSchema,
  })
  .refine(({ layers, records }) => areWhole(records, layers), 'a record names a layer that there is not');
export interface CacheDocument {
  readonly version: 1;
  readonly layers: readonly Digest[];
  readonly records: readonly CacheRecord[];
}

/** Whether records name only layers that there are, and one of their own where they say so. */
export function areWhole(records: readonly CacheRecord[], layers: readonly Digest[]): boolean {
  return records.every((record) => record.layers.every((index) => index < layers.length) && (!record.made || record.layers.length > 0));
}

export const cacheInvalid = defineError<{ cache: string; detail: string }>('BUILD_CACHE_INVALID', 400, (p) => `${p.cache} is no build cache: ${p.detail}`);
export const cacheLayerLost = defineError<{ cache: string; layer: string; detail: string }>('BUILD_CACHE_LAYER', 502, (p) => `The build cache ${p.cache} does not give the layer ${p.layer}: ${p.detail}`);
