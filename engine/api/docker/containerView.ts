import { z } from 'zod';
import { containerConfigSchema, hostConfigSchema } from './container.ts';

/** What clients read of containers: answers of `GET /containers/json`, `/containers/:id/json`, `/wait` and `/exec/:id/json`. */

export const containerStatusSchema = z.enum(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']);

export const containerSummarySchema = z.looseObject({
  Id: z.string(),
  Names: z.array(z.string()),
  Image: z.string(),
  ImageID: z.string(),
  Command: z.string(),
  /** Unix seconds. */
  Created: z.number(),
  State: containerStatusSchema,
  /** For people: `Up 5 minutes`. */
  Status: z.string(),
  Ports: z.array(z.looseObject({ IP: z.string().optional(), PrivatePort: z.number(), PublicPort: z.number().optional(), Type: z.string() })).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Mounts: z.array(z.looseObject({ Type: z.string(), Source: z.string().optional(), Destination: z.string(), RW: z.boolean().optional() })).nullish(),
});
export type ContainerSummary = z.infer<typeof containerSummarySchema>;

export const containerInspectSchema = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  Image: z.string(),
  /** Files of the host that the container sees as its own. */
  HostsPath: z.string(),
  ResolvConfPath: z.string(),
  State: z.looseObject({
    Status: containerStatusSchema,
    Running: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    Error: z.string(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: containerConfigSchema,
  HostConfig: hostConfigSchema,
  Mounts: z.array(z.looseObject({ Type: z.string(), Name: z.string().optional(), Source: z.string(), Destination: z.string(), RW: z.boolean() })),
  /** Ours: who in it the user of an engine without root is. */
  UserNamespace: z.looseObject({ KeepId: z.object({ Uid: z.number(), Gid: z.number() }).optional() }).optional(),
  NetworkSettings: z.looseObject({
    Ports: z.record(z.string(), z.array(z.looseObject({ HostIp: z.string(), HostPort: z.string() })).nullable()),
    Networks: z.record(z.string(), z.looseObject({ IPAddress: z.string().nullish() })),
  }),
});
export type ContainerInspect = z.infer<typeof containerInspectSchema>;

export const waitResultSchema = z.looseObject({ StatusCode: z.number(), Error: z.looseObject({ Message: z.string() }).nullish() });
export const execInspectSchema = z.looseObject({ ID: z.string(), Running: z.boolean(), ExitCode: z.number().nullable(), Pid: z.number() });
