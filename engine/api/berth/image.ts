import { z } from 'zod';

/**
 * The body of `POST /berth/v1/images/bootstrap`: makes a base image from a distribution's packages. The answer's lines are
 * progress (docker/imageProgress.ts); the last one is `{"id":"sha256:…"}` or `{"error":{"message","code","params"}}`.
 */
export const bootstrapRequestSchema = z.strictObject({
  /** `debian:bookworm`. */
  image: z.string().min(1),
});
