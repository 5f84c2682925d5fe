import { z } from 'zod';

const strings = z.record(z.string(), z.string());
/** Go clients send `null` for what is not set. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** The body of `POST /networks/create`. */
export const networkCreateSchema = z.looseObject({
  Name: z.string(),
  Driver: optional(z.string()),
  Internal: optional(z.boolean()),
  Labels: optional(strings),
  Options: optional(strings),
  IPAM: optional(z.looseObject({ Config: optional(z.array(z.looseObject({ Subnet: optional(z.string()), Gateway: optional(z.string()) }))) })),
});
export type NetworkCreate = z.infer<typeof networkCreateSchema>;

/** The body of `POST /networks/:id/connect` and `/disconnect`. */
export const networkConnectSchema = z.looseObject({
  Container: z.string(),
  Force: optional(z.boolean()),
  EndpointConfig: optional(z.looseObject({ IPAMConfig: optional(z.looseObject({ IPv4Address: optional(z.string()) })), Aliases: optional(z.array(z.string())) })),
});

/** A network, as `GET /networks` and `GET /networks/:id` give it. Addresses in `Containers` carry their prefix length. */
export const networkSchema = z.looseObject({
  Name: z.string(),
  Id: z.string(),
  Created: z.string(),
  Scope: z.string(),
  Driver: z.string(),
  Internal: z.boolean(),
  IPAM: z.looseObject({ Config: z.array(z.looseObject({ Subnet: z.string().optional(), Gateway: z.string().optional() })).nullable() }),
  Containers: z.record(z.string(), z.looseObject({ Name: z.string(), EndpointID: z.string(), MacAddress: z.string(), IPv4Address: z.string(), IPv6Address: z.string() })).optional(),
  Labels: strings.nullable(),
  Options: strings.nullable(),
});
export type NetworkResource = z.infer<typeof networkSchema>;
