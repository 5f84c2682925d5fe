import { z } from 'zod';

const strings = z.record(z.string(), z.string());
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** The body of `POST /volumes/create`. */
export const volumeCreateSchema = z.looseObject({ Name: optional(z.string()), Driver: optional(z.string()), DriverOpts: optional(strings), Labels: optional(strings) });

/** A volume, as Docker shows it. */
export const volumeSchema = z.looseObject({
  Name: z.string(),
  Driver: z.string(),
  Mountpoint: z.string(),
  CreatedAt: z.string().optional(),
  Labels: strings.nullable(),
  Options: strings.nullable(),
  Scope: z.string(),
});
export type VolumeResource = z.infer<typeof volumeSchema>;

export const volumeListSchema = z.looseObject({ Volumes: z.array(volumeSchema).nullable(), Warnings: z.array(z.string()).nullable() });
