import { z } from 'zod';

/** What clients read of `GET /system/df`. Sizes in bytes. */
export const diskUsageSchema = z.looseObject({
  LayersSize: z.number(),
  Images: z.array(z.looseObject({ Id: z.string(), Size: z.number(), SharedSize: z.number(), Containers: z.number() })).nullish(),
  Containers: z.array(z.looseObject({ Id: z.string(), State: z.string(), SizeRw: z.number().nullish() })).nullish(),
  Volumes: z.array(z.looseObject({ Name: z.string(), UsageData: z.looseObject({ Size: z.number(), RefCount: z.number() }).nullish() })).nullish(),
  BuildCache: z.array(z.looseObject({ ID: z.string(), Size: z.number(), InUse: z.boolean(), Shared: z.boolean() })).nullish(),
});
export type DiskUsage = z.infer<typeof diskUsageSchema>;
