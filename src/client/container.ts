import { z } from 'zod';

/** The parts of a `GET /containers/json` row that the views show. */
export const containerRowSchema = z.looseObject({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Image: z.string(),
  ImageID: z.string().optional(),
  Command: z.string().optional(),
  /** Unix seconds. */
  Created: z.number(),
  State: z.string(),
  Status: z.string().optional(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Ports: z
    .array(z.looseObject({ PrivatePort: z.number(), PublicPort: z.number().optional(), Type: z.string().optional(), IP: z.string().optional() }))
    .nullish(),
});
export type ContainerRow = z.infer<typeof containerRowSchema>;

export const execCreatedSchema = z.looseObject({ Id: z.string() });

/** The parts of `GET /exec/:id/json` that a terminal needs. */
export const execStateSchema = z.looseObject({ Running: z.boolean(), ExitCode: z.number().nullish() });

/** The parts of `GET /containers/:id/json` that logs and terminals need. */
export const containerDetailsSchema = z.looseObject({
  Id: z.string(),
  Config: z.looseObject({ Tty: z.boolean().optional() }),
  State: z.looseObject({ Running: z.boolean(), ExitCode: z.number().optional() }),
});
