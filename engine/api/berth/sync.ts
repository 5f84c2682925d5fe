import { z } from 'zod';

/** Names a sync or a build context: chosen by the client, once, at random. */
export const syncIdSchema = z.string().regex(/^[0-9a-f]{16,64}$/, 'must be 16 to 64 hex digits');

/** The body of `POST /berth/v1/syncs/:id/connect`; the connection then carries the protocol of engine/base/sync. */
export const syncConnectSchema = z.strictObject({
  /** On the engine's host: absolute, or with `~/` in front. Made if it is not there. */
  folder: z.string().min(1),
});

/** The body of `POST /berth/v1/clone`. */
export const cloneRequestSchema = z.strictObject({ url: z.string().min(1), folder: z.string().min(1).optional(), branch: z.string().min(1).optional() });

/** The lines of its answer; the last is `result` or `error`. */
export const cloneEventSchema = z.discriminatedUnion('type', [
  /** What git says, as it comes: lines that overwrite themselves included. */
  z.looseObject({ type: z.literal('output'), text: z.string() }),
  z.looseObject({ type: z.literal('result'), folder: z.string() }),
  z.looseObject({ type: z.literal('error'), message: z.string(), code: z.string().optional(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional() }),
]);
export type CloneEvent = z.infer<typeof cloneEventSchema>;
