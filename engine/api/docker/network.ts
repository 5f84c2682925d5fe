import { z } from 'zod';
import { endpointSettingsSchema } from './container.ts';

const strings = z.record(z.string(), z.string());
/** Go clients send `null` for what is not set. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** The body of `POST /networks/create`. */
export const networkCreateSchema = z.looseObject({
  Name: z.string(),
  Driver: optional(z.string()),
  Scope: optional(z.string()),
  Internal: optional(z.boolean()),
  Attachable: optional(z.boolean()),
  Ingress: optional(z.boolean()),
  ConfigOnly: optional(z.boolean()),
  EnableIPv4: optional(z.boolean()),
  EnableIPv6: optional(z.boolean()),
  Labels: optional(strings),
  Options: optional(strings),
  IPAM: optional(
    z.looseObject({
      Driver: optional(z.string()),
      Options: optional(strings),
      Config: optional(z.array(z.looseObject({ Subnet: optional(z.string()), Gateway: optional(z.string()), IPRange: optional(z.string()), AuxiliaryAddresses: optional(strings), AuxAddress: optional(strings) }))),
    }),
  ),
});
export type NetworkCreate = z.infer<typeof networkCreateSchema>;

/** The body of `POST /networks/:id/connect` and `/disconnect`. */
export const networkConnectSchema = z.looseObject({
  Container: z.string(),
  Force: optional(z.boolean()),
  EndpointConfig: optional(endpointSettingsSchema),
});

/** A network, as `GET /networks` and `GET /networks/:id` give it. Addresses in `Containers` carry their prefix length. */
export const networkSchema = z.looseObject({
  Name: z.string(),
  Id: z.string(),
  Created: z.string(),
  Scope: z.string(),
  Driver: z.string(),
  Internal: z.boolean(),
  Attachable: z.boolean().optional(),
  EnableIPv6: z.boolean().optional(),
  IPAM: z.looseObject({ Config: z.array(z.looseObject({ Subnet: z.string().optional(), Gateway: z.string().optional(), IPRange: z.string().optional(), AuxiliaryAddresses: strings.optional() })).nullable() }),
  Containers: z.record(z.string(), z.looseObject({ Name: z.string(), EndpointID: z.string(), MacAddress: z.string(), IPv4Address: z.string(), IPv6Address: z.string() })).optional(),
  Labels: strings.nullable(),
  Options: strings.nullable(),
});
export type NetworkResource = z.infer<typeof networkSchema>;
