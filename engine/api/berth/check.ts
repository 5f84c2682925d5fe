import { z } from 'zod';

/** Something that the engine's records and what there really is do not agree on. */
export const findingSchema = z.object({
  /** Stable, as ORPHAN_MOUNT. */
  code: z.string(),
  kind: z.enum(['container', 'network', 'image', 'layer', 'volume', 'record', 'host']),
  /** Which one: a container's name, a path, a device. */
  object: z.string(),
  /** What is wrong, in a sentence. */
  seen: z.string(),
  /** What to do. */
  advice: z.string(),
  /** `--repair` can do it without losing data. */
  repairable: z.boolean(),
  repaired: z.boolean(),
});
export type Finding = z.infer<typeof findingSchema>;

/** The answer of `POST /berth/v1/check`. */
export const checkReportSchema = z.object({
  /** Nothing was found, or all of it was repaired. */
  ok: z.boolean(),
  /** How many of each kind were looked at. */
  looked: z.record(z.string(), z.number()),
  findings: z.array(findingSchema),
});
export type CheckReport = z.infer<typeof checkReportSchema>;

export const checkRequestSchema = z.object({
  repair: z.boolean().default(false),
  /** Also read and digest every layer. */
  layers: z.boolean().default(false),
});
