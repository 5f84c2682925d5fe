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

/** The parts of `GET /containers/:id/json` that the views, logs and terminals need. */
export const containerDetailsSchema = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  /** RFC 3339. */
  Created: z.string(),
  Config: z.looseObject({ Image: z.string(), Tty: z.boolean().optional(), Labels: z.record(z.string(), z.string()).nullish() }),
  State: z.looseObject({ Status: z.string() }),
  NetworkSettings: z
    .looseObject({ Ports: z.record(z.string(), z.array(z.looseObject({ HostIp: z.string().optional(), HostPort: z.string() })).nullish()).nullish() })
    .nullish(),
});
export type ContainerDetails = z.infer<typeof containerDetailsSchema>;
