import { z } from 'zod';

/** Something that a container of a network with an allow-list (`--opt egress=allow:…`) was refused. */
export const refusalSchema = z.object({
  /** RFC 3339: when it was noticed. */
  time: z.string(),
  containerId: z.string(),
  container: z.string(),
  /** A name that was asked for, or a connection that was tried. */
  kind: z.enum(['name', 'connection']),
  /** The name, or the address. */
  destination: z.string(),
  protocol: z.string(),
  port: z.number().optional(),
  /** How often since the line before. */
  count: z.number(),
});
export type Refusal = z.infer<typeof refusalSchema>;
