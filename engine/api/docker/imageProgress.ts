import { z } from 'zod';

/** A line of what `POST /images/create`, `/images/load` and `/berth/v1/images/bootstrap` stream. */
export const imageProgressSchema = z.looseObject({
  status: z.string().optional(),
  /** What the line is about: a layer's short digest, a tag. */
  id: z.string().optional(),
  /** Bytes. */
  progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).optional(),
  stream: z.string().optional(),
  /** The operation failed; no line follows. */
  error: z.union([z.string(), z.looseObject({ message: z.string(), code: z.string() })]).optional(),
  /** Berth's stable code of the error. */
  code: z.string().optional(),
  errorDetail: z.looseObject({ message: z.string(), code: z.union([z.string(), z.number()]).optional() }).optional(),
});
export type ImageProgress = z.infer<typeof imageProgressSchema>;
