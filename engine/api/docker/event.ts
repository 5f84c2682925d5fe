import { z } from 'zod';

/** An entry of `GET /events`, as Docker's. `time` in seconds, `timeNano` in nanoseconds since 1970. */
export const eventSchema = z.looseObject({
  Type: z.enum(['container', 'image', 'network', 'volume', 'builder', 'daemon', 'devcontainer']),
  Action: z.string(),
  Actor: z.looseObject({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
  scope: z.literal('local').optional(),
  time: z.number(),
  timeNano: z.number(),
});
export type EngineEvent = z.infer<typeof eventSchema>;
