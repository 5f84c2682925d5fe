import { z } from 'zod';

/** The body of `POST /berth/v1/images/bootstrap`: makes a base image from a distribution's packages. */
export const bootstrapRequestSchema = z.strictObject({
  /** `debian:bookworm`. */
  image: z.string().min(1),
});
export type BootstrapRequest = z.infer<typeof bootstrapRequestSchema>;

/** The lines of the answer; the last has `id` and no `status`, or `error`. */
export const bootstrapLineSchema = z.union([
  z.looseObject({ error: z.looseObject({ message: z.string(), code: z.string() }) }),
  z.looseObject({ status: z.string(), id: z.string().optional(), progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).optional() }),
  z.looseObject({ id: z.string() }),
]);
export type BootstrapLine = z.infer<typeof bootstrapLineSchema>;
