import { z } from 'zod';

/** The body of every answer with status 400 and above. `message` is what Docker clients show; ours use `code` and `params`. */
export const errorBodySchema = z.looseObject({
  message: z.string(),
  code: z.string().optional(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
